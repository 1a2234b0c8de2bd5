/** The exit codes of the command line; after sysexits.h where it has a code for the case. */
export const exitCodes = {
  /** Every run came out as it must. */
  valid: 0,
  /** A reference run broke a promise, or a known-bad flow was not caught. */
  violated: 1,
  /** Nothing raced, or the time limit came first: nothing is proven. */
  unknown: 2,
  usage: 64,
  noMongoDB: 69,
  internal: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
