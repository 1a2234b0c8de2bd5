import type { Run } from '../system/run.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';

/** What the check of a schedule throws at the explorer. The message is the first sentence. */
export class InvariantsBroken<T extends SystemTypes> extends Error {
  override readonly name = 'InvariantsBroken';
  /** Not empty. */
  readonly violations: readonly Violation[];
  readonly run: Run<T>;

  constructor(violations: readonly Violation[], run: Run<T>) {
    const [first] = violations;
    super(first === undefined ? '' : `${first.invariant}: ${first.sentence}`);
    this.violations = violations;
    this.run = run;
  }
}
