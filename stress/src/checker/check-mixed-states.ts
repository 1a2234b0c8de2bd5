import type { PoolState } from '../model/pool-state.ts';
import { proxyOf, type PoolBook } from './check-mixed-book.ts';
import type { MixedOperation } from './check-mixed-effects.ts';
import type { RotationViolation } from './invariants.ts';
import { groupBy } from './replacements.ts';

/**
 * What holds in every committed state, whoever else changes the pool: no live key is a free backup, no binding is lost or doubled, and each points to a
 * live key, but for what operators did by hand. Linear.
 */
export function checkMixedState(
  start: PoolState,
  state: PoolState,
  operations: readonly MixedOperation[],
): RotationViolation[] {
  const violations: RotationViolation[] = [];
  for (const { id, live } of state.keys.values())
    if (live && state.backups.get(id)?.isUsed === false)
      violations.push({ invariant: 'I1', sentence: `${id} is a live key and a free backup` });

  const bound = groupBy(state.bindings, ({ rest }) => rest);
  for (const [rest, { length }] of bound)
    if (length > 1)
      violations.push({ invariant: 'I3', sentence: `the binding of proxy ${proxyOf(rest)} is there ${length} times` });
  for (const { rest } of start.bindings)
    if (!bound.has(rest))
      violations.push({ invariant: 'I3', sentence: `the binding of proxy ${proxyOf(rest)} is gone, or changed` });

  // A plain insert may miss a rotation; whoever moves the binding then must point it to a live key.
  const byHand = new Set(
    operations.flatMap(({ call }) =>
      call.op === 'delete-key'
        ? [call.keyId]
        : call.op === 'insert-binding'
          ? [`${call.proxyId} on ${call.keyId}`]
          : [],
    ),
  );
  for (const { rest, keyId } of state.bindings)
    if (state.keys.get(keyId)?.live !== true && !byHand.has(keyId) && !byHand.has(`${proxyOf(rest)} on ${keyId}`))
      violations.push({
        invariant: 'I3',
        sentence: `the binding of proxy ${proxyOf(rest)} is on ${keyId}, which is no live key, and no operator deleted it`,
      });
  return violations;
}

/** Bindings that callers were told of are there at the end, on whatever key: nothing here deletes one. */
export function checkAdded(final: PoolState, operations: readonly MixedOperation[]): RotationViolation[] {
  const bound = new Set(final.bindings.map(({ rest }) => proxyOf(rest)));
  return operations.flatMap(({ caller, call, answer }): RotationViolation[] => {
    if (call.op !== 'bind' && call.op !== 'insert-binding') return [];
    if (!['bound', 'already-bound', 'added'].includes(answer.kind) || bound.has(call.proxyId)) return [];
    const sentence = `caller ${caller} was told ${answer.kind} for proxy ${call.proxyId}, and its binding is gone`;
    return [{ invariant: 'I3', sentence }];
  });
}

/** The commits must lead to the state at the end: otherwise the log was not read whole, and nothing that was told of it is worth anything. */
export function checkMixedEnd(book: PoolBook, final: PoolState): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const differs = (what: string, log: string | undefined, end: string | undefined): void => {
    if (log === end) return;
    const sentence = `the commits leave ${what} ${log ?? 'missing'}, and at the end it is ${end ?? 'missing'}`;
    violations.push({ invariant: 'I7', sentence });
  };
  for (const id of new Set([...book.lives.keys(), ...final.keys.keys()])) {
    const key = final.keys.get(id);
    differs(`key ${id}`, book.lifeOf(id)?.value, key?.live === true ? (key.incarnation ?? 'unknown') : undefined);
  }
  for (const id of new Set([...book.backups.keys(), ...final.backups.keys()])) {
    const backup = final.backups.get(id);
    differs(`backup ${id}`, book.useOf(id), backup === undefined ? undefined : backup.isUsed ? 'used' : 'free');
  }
  const bound = new Map(final.bindings.map(({ rest, keyId }) => [rest, keyId]));
  for (const rest of new Set([...book.bindings.keys(), ...bound.keys()]))
    differs(`the binding of proxy ${proxyOf(rest)}`, book.keyOf(rest), bound.get(rest));
  return violations;
}
