import { isDoubtful, type History } from '../history.ts';
import type { PoolState } from '../pool-state.ts';
import { readEarlier } from './earlier.ts';
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

  const earlier = readEarlier(start);
  const operationsOf = groupBy(history.operations, (operation) => operation.keyId);
  for (const keyId of succession.takenFor.keys()) {
    const wasKey = start.keys.has(keyId) || final.backups.has(keyId);
    if (wasKey && !operationsOf.has(keyId) && !isLiveAt(final, keyId))
      broken(`${keyId} was replaced, and nobody had called for it`);
  }

  for (const [keyId, operations] of operationsOf) {
    const winners = operations.filter(({ outcome }) => outcome.kind === 'rotated');
    const wasLive = isLiveAt(start, keyId);
    const isLive = isLiveAt(final, keyId);
    const isReplaced = succession.takenFor.has(keyId) && !isLive;
    const wasInstalled = start.backups.get(keyId)?.isUsed === false && final.backups.get(keyId)?.isUsed === true;
    const chain = chainOf(keyId, (id) => succession.replacementOf(id) ?? earlier.replacementOf(id));
    const mayBeSilent = operations.some(({ outcome }) => isDoubtful(outcome));
    if (winners.length > 1)
      broken(`callers ${winners.map(({ caller }) => caller).join(' and ')} were all told that they rotated ${keyId}`);
    if (winners.length === 0 && isReplaced && !mayBeSilent)
      broken(`${keyId} was replaced, and no caller was told rotated`);

    for (const { caller, outcome } of operations) {
      const told = `caller ${caller} was told ${outcome.kind} for ${keyId}`;
      if (outcome.kind === 'rotated' || outcome.kind === 'already-rotated') {
        if (isLive) broken(`${told}, which is live as before`);
        else if (outcome.kind === 'rotated' && !wasLive && !wasInstalled)
          broken(`${told}, which was no live key in this run`);
        else if (outcome.replacement === undefined) {
          if (chain.length === 0) broken(`${told}, and nothing had taken its place`);
        } else if (outcome.kind === 'rotated' ? chain[0] !== outcome.replacement : !chain.includes(outcome.replacement))
          broken(`${told} with replacement ${outcome.replacement}, which never took its place`);
        else if (start.backups.get(outcome.replacement)?.isUsed === true && !isLiveAt(start, outcome.replacement))
          broken(`${told} with replacement ${outcome.replacement}, which was no live key in this run`);
      } else if (outcome.kind === 'not-found' && wasLive) {
        broken(`${told}, which was live when the run began`);
      } else if (outcome.kind === 'not-found' && !wasInstalled && chain.some((id) => isLiveAt(start, id))) {
        broken(`${told}, which was rotated before the run`);
      } else if (outcome.kind === 'error' && !errorCodes.includes(outcome.code)) {
        broken(`caller ${caller} was told nothing of ${keyId} but an error: ${outcome.code}: ${outcome.message}`);
      }
    }
  }
  return violations;
}

/** All keys that took this one's place, one after the other; evidence from before the run counts too. */
function chainOf(keyId: string, nextOf: (keyId: string) => string | undefined): string[] {
  const chain = new Set<string>();
  for (let id = nextOf(keyId); id !== undefined && !chain.has(id); id = nextOf(id)) chain.add(id);
  return [...chain];
}

const isLiveAt = (state: PoolState, id: string): boolean => state.keys.get(id)?.live === true;
