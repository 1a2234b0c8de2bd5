import type { FlowDescription } from '../system/flow.ts';
import type { Scenario } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from './usage-error.ts';

/** Whether the flow has all calls of the scenario. */
export const canOperate = <T extends SystemTypes>(
  { operates }: FlowDescription,
  { hasOperator }: Pick<Scenario<T>, 'hasOperator'>,
): boolean => hasOperator !== true || operates === true;

/** @throws UsageError where the scenario has an operator, and the flow no calls for it */
export function expectOperator<T extends SystemTypes>(
  flow: FlowDescription,
  scenario: Pick<Scenario<T>, 'name' | 'hasOperator'>,
): void {
  if (!canOperate(flow, scenario))
    throw new UsageError(`The flow ${flow.name} has no calls for the operator of the scenario ${scenario.name}.`);
}
