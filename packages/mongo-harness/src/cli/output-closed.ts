import { EXIT_CODES } from './exit-codes.ts';

/**
 * Watches for the end of a reader such as `head`, which closes the pipe when it has its lines. SIGPIPE ends other programs then. Node.js
 * ignores the signal, and each further write is an error, which would end this process with a stack and the exit code of a broken invariant.
 *
 * @returns aborts when standard output or standard error is closed; the exit code is set by then
 * @throws other errors of the streams, such as a full disk, past the caller
 */
export function watchOutput(): AbortSignal {
  const closed = new AbortController();
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exitCode = EXIT_CODES.outputClosed;
      closed.abort(new Error('the output was closed'));
    });
  return closed.signal;
}
