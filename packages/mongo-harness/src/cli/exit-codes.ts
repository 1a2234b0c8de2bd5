/** The exit codes of the command line; after sysexits.h where it has a code for the case. */
export const EXIT_CODES = {
  /** Every row came out as it must. */
  valid: 0,
  /** An invariant was broken, or a mutant was not caught. */
  violated: 1,
  /** Nothing raced, or the limit of time came first: nothing is proven. */
  unknown: 2,
  usage: 64,
  noMongoDB: 69,
  internal: 70,
  interrupted: 130,
  /** Nobody read the output to its end. 128 and the number of SIGPIPE, as a shell says it. */
  outputClosed: 141,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** @param isWhole all that was to be judged has been. Default: true */
export function exitCodeOf(judgements: readonly ('passed' | 'failed' | 'unknown')[], isWhole = true): ExitCode {
  if (judgements.includes('failed')) return EXIT_CODES.violated;
  return judgements.includes('unknown') || !isWhole ? EXIT_CODES.unknown : EXIT_CODES.valid;
}

/** The last lines of every command's help. */
export const EXIT_CODES_OF_ALL = '64 usage, 69 no MongoDB, 70 internal error, 130 interrupted, 141 output closed.';
