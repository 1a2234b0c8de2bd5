import { execFile } from 'node:child_process';
import { onProcessEnd } from './last-resort.ts';
import type { Environment } from './settings.ts';

const MAX_OUTPUT_BYTES = 4 * 1024 ** 2;

/** How to run a tool. */
export interface ToolLimits {
  /** The tool is killed with SIGKILL after so long. */
  readonly maxRunMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly environment?: Environment;
  /** True: SIGINT, SIGTERM and SIGHUP to this process kill the tool. An exit always does. Default false. */
  readonly endOnInterrupt?: boolean;
}

/** How a tool has ended. `reason` is one line. */
export type ToolResult =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs a program without a shell. Throws only the reason of an aborted signal; every other end is a result. */
export async function runTool(command: string, args: readonly string[], limits: ToolLimits): Promise<ToolResult> {
  const result = await new Promise<ToolResult>((resolve) => {
    const options = {
      timeout: limits.maxRunMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
      ...(limits.signal === undefined ? {} : { signal: limits.signal }),
      ...(limits.environment === undefined ? {} : { env: { ...limits.environment } }),
    } as const;
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      unregister();
      if (error === null) resolve({ kind: 'done', output: stdout });
      else if (error.code === 'ENOENT') resolve({ kind: 'not-found' });
      else if (error.killed === true) {
        resolve({ kind: 'failed', reason: `no answer within ${limits.maxRunMs} ms` });
      } else resolve({ kind: 'failed', reason: lastLine(stderr) ?? error.message });
    });
    const unregister = onProcessEnd(() => child.kill('SIGKILL'), limits.endOnInterrupt ?? false);
  });
  limits.signal?.throwIfAborted();
  return result;
}

/** A tool prints the reason of its failure last, after warnings and progress. */
function lastLine(text: string): string | undefined {
  const line = text.trim().split('\n').at(-1)?.trim();
  return line === '' ? undefined : line;
}
