import { execFile } from 'node:child_process';

/** The pnpm that the repository is worked with, fetched by npm where it is not installed. */
const PNPM = ['npx', '-y', 'pnpm@12'] as const;
/** pnpm tells the commands that it runs where the workspace's packages are: nobody outside would find them. */
const WITHOUT_WORKSPACE = { NODE_PATH: undefined };
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export interface Ended {
  /** The exit code; null: it was ended by a signal, or did not start. */
  readonly code: number | null;
  /** Standard output and standard error, in this order. */
  readonly output: string;
  readonly stdout: string;
}

interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command is killed then. Default 300 s. */
  readonly maxRunMs?: number;
}

/** Runs a command to its end, whatever its exit code. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { cwd, env = {}, maxRunMs = 300_000 } = options;
  const given = {
    cwd,
    env: { ...process.env, ...WITHOUT_WORKSPACE, ...env },
    timeout: maxRunMs,
    maxBuffer: MAX_OUTPUT_BYTES,
  };
  return new Promise((resolve) => {
    execFile(command, args, given, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      const why = code === null ? `${error?.message}\n` : '';
      resolve({ code, stdout, output: `${stdout}${stderr}${why}` });
    });
  });
}

/** @returns the standard output. @throws Error with all of the output unless the exit code is 0 */
export async function runOrThrow(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`);
  return stdout;
}

export const pnpm = (args: readonly string[], options: RunOptions): Promise<Ended> =>
  run(PNPM[0], [...PNPM.slice(1), ...args], options);
