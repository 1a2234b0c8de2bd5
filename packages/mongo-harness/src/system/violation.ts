/** A broken invariant. */
export interface Violation {
  /** A key of `System.invariants`. */
  readonly invariant: string;
  /** Names the documents, the callers and the step that broke it; stands alone. */
  readonly sentence: string;
}

/** A run in which nothing raced is `unknown`, never `valid`. */
export type Verdict = 'valid' | 'violated' | 'unknown';

/** What must come out; `undefined` where nothing is promised. */
export type Expectation = 'valid' | 'violated' | undefined;
