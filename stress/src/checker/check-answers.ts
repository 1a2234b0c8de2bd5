import type { PoolState } from '../model/pool-state.ts';
import type { Answer } from '../model/rotation-types.ts';
import { Chains } from './chains.ts';
import type { RotationViolation } from './invariants.ts';
import { meansAnother } from './means-another.ts';
import type { PastRotations } from './past-rotations.ts';
import { groupBy, type Replacements } from './replacements.ts';
import type { RotationHistory } from './rotation-run.ts';

/** I5: of all callers of one key exactly one is told `rotated`, the others `already-rotated` with a key of the same chain. */
export function checkAnswers(
  start: PoolState,
  final: PoolState,
  history: RotationHistory,
  replacements: Replacements,
  past: PastRotations,
  expectedErrors: readonly string[],
): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ invariant: 'I5', sentence });
  };

  const chains = new Chains(
    // Evidence from before the run counts too.
    (id) => replacements.replacementOf(id) ?? past.replacementOf(id),
    (id) => isLiveAt(start, id),
  );
  const operationsOf = groupBy(history.operations, (operation) => operation.keyId);
  for (const keyId of replacements.takenFor.keys()) {
    const wasKey = start.keys.has(keyId) || final.backups.has(keyId);
    if (wasKey && !operationsOf.has(keyId) && !isLiveAt(final, keyId))
      broken(`${keyId} was replaced, and nobody had called for it`);
  }

  for (const [keyId, operations] of operationsOf) {
    const winners = operations.filter(({ answer }) => answer.kind === 'rotated');
    const wasLive = isLiveAt(start, keyId);
    const isLive = isLiveAt(final, keyId);
    const isReplaced = replacements.takenFor.has(keyId) && !isLive;
    const wasInstalled = start.backups.get(keyId)?.isUsed === false && final.backups.get(keyId)?.isUsed === true;
    if (winners.length > 1)
      broken(`callers ${winners.map(({ caller }) => caller).join(' and ')} were all told that they rotated ${keyId}`);

    for (const operation of operations) {
      const { caller, answer } = operation;
      const told = `caller ${caller} was told ${answer.kind} for ${keyId}`;
      if (answer.kind === 'error') {
        if (!expectedErrors.includes(answer.code))
          broken(`caller ${caller} was told nothing of ${keyId} but an error: ${answer.code}: ${answer.message}`);
      } else if (meansAnother(start, operation)) {
        const asked = `in another incarnation than ${operation.incarnation}, for which it asked`;
        if (AFFECTED.includes(answer.kind)) broken(`${told}, which was live ${asked}`);
        else if (answer.kind === 'not-found' && !isReplaced) broken(`${told}, which was live all along ${asked}`);
        else if (answer.kind === 'other-incarnation' && answer.live !== start.keys.get(keyId)?.incarnation)
          broken(`${told} and ${answer.live}, which was no incarnation of it in this run`);
      } else if (answer.kind === 'rotated' || answer.kind === 'already-rotated') {
        if (isLive) broken(`${told}, which is live as before`);
        else if (answer.kind === 'rotated' && !wasLive && !wasInstalled)
          broken(`${told}, which was no live key in this run`);
        else if (answer.replacement === undefined) {
          if (chains.nextOf(keyId) === undefined) broken(`${told}, and nothing had taken its place`);
        } else if (!mayBeTold(keyId, answer, answer.replacement, chains))
          broken(`${told} with replacement ${answer.replacement}, which never took its place`);
        else if (start.backups.get(answer.replacement)?.isUsed === true && !isLiveAt(start, answer.replacement))
          broken(`${told} with replacement ${answer.replacement}, which was no live key in this run`);
      } else if (answer.kind === 'other-incarnation') {
        if (!wasLive && !wasInstalled) broken(`${told}, which was live in no incarnation`);
        else if (wasLive || operation.incarnation === undefined)
          broken(`${told}, and had not asked for another incarnation than the one that was live`);
      } else if (answer.kind === 'not-found' && wasLive) {
        broken(`${told}, which was live when the run began`);
      } else if (answer.kind === 'not-found' && !wasInstalled && chains.isMarkedAfter(keyId)) {
        broken(`${told}, which was rotated before the run`);
      }
    }
  }
  return violations;
}

/**
 * Whether an answer may name this key. Who has rotated names the own backup; but where a commit was in doubt, a later attempt finds that out, and names the live end of
 * the chain, as it does for everybody who comes late.
 */
const mayBeTold = (
  keyId: string,
  answer: Answer & { kind: 'rotated' | 'already-rotated' },
  named: string,
  chains: Chains,
): boolean =>
  answer.kind === 'already-rotated' || (answer.attempts ?? 1) > 1
    ? chains.isAfter(named, keyId)
    : chains.nextOf(keyId) === named;

/** Answers about the incarnation that was live. */
const AFFECTED: readonly string[] = ['rotated', 'already-rotated', 'no-backup', 'held-back'];

const isLiveAt = (state: PoolState, id: string): boolean => state.keys.get(id)?.live === true;
