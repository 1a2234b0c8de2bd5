import type { FlowDescription } from '../system/flow.ts';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Expectation } from '../system/violation.ts';

/** What must come out in a place that the flow names. A mutant of which fewer states are judged than its author says need not be caught. */
export const expectedOf = (
  { expected, judged = 'every-commit' }: FlowDescription,
  chosen: JudgedStates = judged,
): Expectation => (expected === 'violated' && judged === 'every-commit' && chosen === 'end' ? undefined : expected);
