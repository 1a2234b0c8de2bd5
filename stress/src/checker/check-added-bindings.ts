import type { PairRun } from '../explore/scenarios/pair-scenario.ts';
import type { BindingState } from '../pool-state.ts';
import { checkRun } from './check-run.ts';
import type { Violation } from './violation.ts';

/**
 * For runs in which operators bind proxies too. A binding that was added to a key and one that it had all along must come to
 * the same end, whenever it was added: it is held against the run as if the start state had it.
 */
export function checkAddedBindings({ start, final, history, operated }: PairRun): Violation[] {
  const violations: Violation[] = [];
  const added: BindingState[] = [];
  for (const { step, told } of operated) {
    if (step.kind !== 'bind') continue;
    const { keyId, proxyId } = step;
    if (told === 'bound') added.push({ keyId, rest: restOf(final.bindings, proxyId) });
    else if (told === 'not-found' && start.keys.get(keyId)?.live === true)
      violations.push({
        promise: 'I5',
        sentence: `who bound ${proxyId} to ${keyId} was told not-found, and it or its successor was live all along`,
      });
  }
  const assumed = { ...start, bindings: [...start.bindings, ...added] };
  return [
    ...violations,
    ...checkRun({ start: assumed, between: [], final, history, expectations: { errorCodes: [] } }),
  ];
}

/** What the binding is but for its key; where it is gone, what is known of it. */
const restOf = (bindings: readonly BindingState[], proxyId: string): string =>
  bindings.find(({ rest }) => (JSON.parse(rest) as { proxyId?: unknown }).proxyId === proxyId)?.rest ??
  JSON.stringify({ proxyId });
