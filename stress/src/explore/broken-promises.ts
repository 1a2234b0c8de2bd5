import type { Violation } from '../checker/violation.ts';

/** What a check throws at the explorer: its message is the first sentence. */
export class BrokenPromises extends Error {
  override readonly name = 'BrokenPromises';
  readonly violations: readonly Violation[];

  /** @param violations not empty */
  constructor(violations: readonly Violation[]) {
    const [first] = violations;
    super(first === undefined ? '' : `${first.promise}: ${first.sentence}`);
    this.violations = violations;
  }
}
