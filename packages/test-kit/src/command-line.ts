import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../../..');
/** A busy machine may take long to start programs. */
const MAX_END_MS = 100_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command; one that still runs when its test ends is killed. */
export interface RunningCommand extends AsyncDisposable {
  readonly pid: number;
  ended(): Promise<Ended>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/** A command line of this repository, run as users run it: in a process of its own, without a terminal. */
export class CommandLine {
  readonly #entry: string;
  readonly #variables: string;

  /**
   * @param entry its TypeScript file, from the root of the repository
   * @param variables how its environment variables begin, as in `ROTATION_`: the user's own are kept from it, and MONGODB_URI too
   */
  constructor(entry: string, variables: string) {
    this.#entry = entry;
    this.#variables = variables;
  }

  start(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): RunningCommand {
    const child = spawn(process.execPath, [this.#entry, ...argv], {
      cwd: REPOSITORY,
      env: { ...this.#foreignVariables(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw new Error('the command did not start');
    const closed = once(child, 'close', { signal: AbortSignal.timeout(MAX_END_MS) });
    closed.catch(() => {}); // told to who waits for it
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return {
      pid: child.pid,
      isRunning: () => child.exitCode === null && child.signalCode === null,
      kill: (signal) => void child.kill(signal),
      ended: async () => {
        await closed;
        return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
      },
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGKILL');
        await closed;
      },
    };
  }

  /** Starts it, and waits for its end. */
  async run(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    await using command = this.start(argv, environment);
    return await command.ended();
  }

  #foreignVariables(): NodeJS.ProcessEnv {
    return Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith(this.#variables) && name !== 'MONGODB_URI'),
    );
  }
}
