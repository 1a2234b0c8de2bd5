import type { History } from '../history.ts';
import type { PoolState } from '../pool-state.ts';
import { groupBy, type Succession } from './succession.ts';
import type { Violation } from './violation.ts';

/** A run may expect errors of some codes, where its start state is damaged on purpose. */
export interface Expectations {
  readonly errorCodes: readonly string[];
}

/** I5: of all callers of one key exactly one is told `rotated`, the others `already-rotated` with a key of the same chain. */
export function checkAnswers(
  start: PoolState,
  final: PoolState,
  history: History,
  succession: Succession,
  { errorCodes }: Expectations,
): Violation[] {
  const violations: Violation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ promise: 'I5', sentence });
  };

  for (const [keyId, operations] of groupBy(history.operations, (operation) => operation.keyId)) {
    const winners = operations.filter(({ outcome }) => outcome.kind === 'rotated');
    const wasLive = start.keys.get(keyId)?.live === true;
    const isLive = final.keys.get(keyId)?.live === true;
    const isReplaced = succession.takenFor.has(keyId) && !isLive;
    const mayBeSilent = operations.some(({ outcome }) => outcome.kind === 'indeterminate');
    if (winners.length > 1)
      broken(`callers ${winners.map(({ caller }) => caller).join(' and ')} were all told that they rotated ${keyId}`);
    if (winners.length === 0 && isReplaced && !mayBeSilent)
      broken(`${keyId} was replaced, and no caller was told rotated`);

    for (const { caller, outcome } of operations) {
      const told = `caller ${caller} was told ${outcome.kind} for ${keyId}`;
      if (outcome.kind === 'rotated' || outcome.kind === 'already-rotated') {
        if (isLive) broken(`${told}, which is live as before`);
        else if (!chainOf(keyId, final, succession).has(outcome.replacement))
          broken(`${told} with replacement ${outcome.replacement}, which never took its place`);
      } else if (outcome.kind === 'not-found' && (wasLive || isReplaced)) {
        broken(`${told}, which ${wasLive ? 'was live when the run began' : 'was rotated in this run'}`);
      } else if (outcome.kind === 'error' && !errorCodes.includes(outcome.code)) {
        broken(`caller ${caller} was told nothing of ${keyId} but an error: ${outcome.code}: ${outcome.message}`);
      }
    }
  }
  return violations;
}

/** All keys that took this one's place, one after the other; evidence from before the run counts too. */
function chainOf(keyId: string, final: PoolState, succession: Succession): Set<string> {
  const chain = new Set<string>();
  let id = nextOf(keyId, final, succession);
  while (id !== undefined && !chain.has(id)) {
    chain.add(id);
    id = nextOf(id, final, succession);
  }
  return chain;
}

const nextOf = (keyId: string, final: PoolState, succession: Succession): string | undefined =>
  succession.replacementOf(keyId) ?? [...final.backups.values()].find(({ usedFor }) => usedFor === keyId)?.id;
