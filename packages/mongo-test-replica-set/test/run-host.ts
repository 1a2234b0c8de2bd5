import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A busy machine may take long to start a program; a test ends after 60 s. */
const MAX_WAIT_MS = 50_000;

/** A running host program; one that still runs when its test ends is told to end (and cleans up after itself). */
export interface Host extends AsyncDisposable {
  readonly pid: number;
  /** Everything it has printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Resolves when it has printed this line. */
  printed(line: string): Promise<void>;
}

/** Runs one of the programs of this folder in a process of its own. */
export function runHost(program: string, args: string[], environment: NodeJS.ProcessEnv = process.env): Host {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], { env: environment });
  if (child.pid === undefined) throw new Error(`${program} did not start`);
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await endOf(child);
    },
    pid: child.pid,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended: async () => {
      await endOf(child);
      return { code: child.exitCode, signal: child.signalCode };
    },
    printed: async (line) => {
      const deadline = AbortSignal.timeout(MAX_WAIT_MS);
      while (!output.split('\n').includes(line)) {
        if (child.exitCode !== null || deadline.aborted) throw new Error(`never printed "${line}":\n${output}`);
        await Promise.race([once(child.stdout, 'data', { signal: deadline }), endOf(child)]);
      }
    },
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await once(child, 'close', { signal: AbortSignal.timeout(MAX_WAIT_MS) });
}
