import { execFile } from 'node:child_process';
import { onProcessEnd } from './last-resort.ts';
import type { Environment } from './settings.ts';

const longestOutputBytes = 4 * 1024 ** 2;

/** How to run a tool: always with a limit in time. */
export interface ToolLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly environment?: Environment;
  /** Whether an interrupt of this process ends the tool; an exit always does. Default false. */
  readonly endOnInterrupt?: boolean;
}

/** What a tool came to; a tool that is not there or fails is an answer here, not an exception. */
export type ToolResult =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs a program without a shell. Only an abort of the signal is thrown. */
export async function runTool(command: string, args: readonly string[], limits: ToolLimits): Promise<ToolResult> {
  const result = await new Promise<ToolResult>((resolve) => {
    const options = {
      timeout: limits.timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: longestOutputBytes,
      windowsHide: true,
      ...(limits.signal === undefined ? {} : { signal: limits.signal }),
      ...(limits.environment === undefined ? {} : { env: { ...limits.environment } }),
    } as const;
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      unregister();
      if (error === null) resolve({ kind: 'done', output: stdout });
      else if (error.code === 'ENOENT') resolve({ kind: 'not-found' });
      else if (error.killed === true) {
        resolve({ kind: 'failed', reason: `no answer within ${limits.timeoutMs} ms` });
      } else resolve({ kind: 'failed', reason: lastLine(stderr) ?? error.message });
    });
    const unregister = onProcessEnd(() => child.kill('SIGKILL'), limits.endOnInterrupt ?? false);
  });
  limits.signal?.throwIfAborted();
  return result;
}

/** Tools put the reason last, after warnings and progress. */
function lastLine(text: string): string | undefined {
  const line = text.trim().split('\n').at(-1)?.trim();
  return line === '' ? undefined : line;
}
