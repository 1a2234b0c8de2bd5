import type { BindingState } from '../model/pool-state.ts';
import { checkRun } from './check-run.ts';
import type { RotationViolation } from './invariants.ts';
import type { RotationRun } from './rotation-run.ts';

/**
 * For runs in which operators bind proxies too. A binding that was added to a key and one that it had all along must come to
 * the same end, whenever it was added: it is held against the run as if the start state had it.
 */
export function checkAddedBindings({ start, final, history, operated }: RotationRun): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const added: BindingState[] = [];
  for (const { call, answer } of operated) {
    if (call.op !== 'bind') continue;
    const { keyId, proxyId } = call;
    if (answer.kind === 'bound') added.push({ keyId, rest: restOf(final.bindings, proxyId) });
    else if (answer.kind === 'not-found' && start.keys.get(keyId)?.live === true)
      violations.push({
        invariant: 'I5',
        sentence: `the operator that bound ${proxyId} to ${keyId} was told not-found, and ${keyId} or its successor was live all along`,
      });
  }
  const assumed = { ...start, bindings: [...start.bindings, ...added] };
  return [...violations, ...checkRun({ start: assumed, between: [], final, history, expectedErrors: [] })];
}

/** What the binding is but for its key; where it is gone, what is known of it. */
const restOf = (bindings: readonly BindingState[], proxyId: string): string =>
  bindings.find(({ rest }) => (JSON.parse(rest) as { proxyId?: unknown }).proxyId === proxyId)?.rest ??
  JSON.stringify({ proxyId });
