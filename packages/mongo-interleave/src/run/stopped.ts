import { InterleaveError } from '../interleave-error.ts';

/** The error of a call after the session was closed. */
export const stopped = (cause?: unknown): InterleaveError =>
  new InterleaveError('stopped', 'The session was closed.', { cause });
