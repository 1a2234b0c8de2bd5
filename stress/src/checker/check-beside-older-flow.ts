import type { BackupState, PoolState } from '../model/pool-state.ts';
import { findWasted } from './check-waste.ts';
import type { RotationViolation } from './invariants.ts';
import { retireUnmarked } from './past-rotations.ts';
import { groupBy, readReplacements } from './replacements.ts';
import type { RotationHistory, RotationOperation, RotationRun } from './rotation-run.ts';

/** A younger claim of an older flow is waited for: the default of `maxOlderFlowMs`, which the deployments have. */
const MAX_OLDER_FLOW_MS = 5_000;

/**
 * For runs in which some callers have an older flow. Judges what rotations promise beside it: each of them claims one backup for a key, which then is
 * live with all bindings of the key, and their callers learn of a live key. What the older flow breaks is no violation; see
 * `countOlderFlowDamage`.
 */
export function checkBesideOlderFlow({ start, between, final, history }: RotationRun): RotationViolation[] {
  const slow = keysOfSlowOlderFlows(history);
  const rotations = rotationsOf(start, final, history).filter(({ usedFor = '' }) => !slow.has(usedFor));
  const operations = history.operations.filter(({ by, keyId }) => by === undefined && !slow.has(keyId));
  return [
    ...checkOneClaim(rotations),
    ...rotations.flatMap((rotation) => checkWhole(start, final, rotation)),
    ...between.flatMap((state) =>
      rotations
        .filter(({ id }) => state.backups.get(id)?.isUsed === true)
        .flatMap((rotation) => checkWhole(start, state, rotation))
        .map(({ invariant, sentence }): RotationViolation => {
          return { invariant, sentence: `in a state that was committed meanwhile: ${sentence}` };
        }),
    ),
    ...checkTold(final, operations, rotations),
  ];
}

/** Keys that an older flow took longer for than it is waited for. Nothing is promised for them. */
function keysOfSlowOlderFlows({ unit, operations }: RotationHistory): ReadonlySet<string> {
  const slow = operations.filter(
    ({ by, invokedAtMs, completedAtMs }) =>
      by !== undefined && unit === 'ms' && completedAtMs - invokedAtMs >= MAX_OLDER_FLOW_MS,
  );
  return new Set(slow.map(({ keyId }) => keyId));
}

/** Backups that this run used, but for those that an older flow claimed: it claims for one caller at a time, and outside of transactions. */
function rotationsOf(start: PoolState, state: PoolState, { claims }: RotationHistory): readonly BackupState[] {
  const older = new Set(claims.filter(({ caller }) => caller !== undefined).map(({ backupId }) => backupId));
  return [...state.backups.values()].filter(
    ({ id, isUsed }) => isUsed && start.backups.get(id)?.isUsed === false && !older.has(id),
  );
}

const checkOneClaim = (rotations: readonly BackupState[]): RotationViolation[] =>
  [...groupBy(rotations, ({ usedFor = '' }) => usedFor)]
    .filter(([, { length }]) => length > 1)
    .map(([keyId, taken]): RotationViolation => {
      const sentence = `${keyId} took ${taken.map(({ id }) => id).join(' and ')} by rotations: one is enough`;
      return { invariant: 'I1', sentence };
    });

function checkWhole(start: PoolState, state: PoolState, { id, usedFor = '' }: BackupState): RotationViolation[] {
  if (state.keys.get(id)?.live !== true)
    return [{ invariant: 'I2', sentence: `${id} wasted: a rotation claimed it for ${usedFor}, and it is no live key` }];
  const moved = new Set(state.bindings.filter(({ keyId }) => keyId === id).map(({ rest }) => rest));
  const missing = start.bindings.filter(({ keyId, rest }) => keyId === usedFor && !moved.has(rest));
  if (missing.length === 0) return [];
  const sentence = `a rotation replaced ${usedFor} by ${id}, and ${missing.length} bindings of ${usedFor} do not point to ${id}: an older flow had taken them`;
  return [{ invariant: 'I3', sentence }];
}

/** I5: one caller is told `rotated` for each rotation, and the others learn of a live key that took the key's place. */
function checkTold(
  final: PoolState,
  operations: readonly RotationOperation[],
  rotations: readonly BackupState[],
): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const broken = (sentence: string): void => void violations.push({ invariant: 'I5', sentence });
  for (const { id, usedFor = '' } of rotations) {
    const winners = operations.filter(({ answer }) => answer.kind === 'rotated' && answer.replacement === id);
    if (winners.length !== 1) broken(`${winners.length} callers were told that they rotated ${usedFor} to ${id}`);
  }
  const made = new Set(rotations.map(({ id }) => id));
  for (const { caller, keyId, answer } of operations) {
    const told = `caller ${caller} was told ${answer.kind} for ${keyId}`;
    if (answer.kind === 'rotated') {
      if (!made.has(answer.replacement)) broken(`${told}, and no rotation took ${answer.replacement}`);
    } else if (answer.kind !== 'already-rotated') broken(`${told}, which was live or had a successor all along`);
    else if (final.backups.get(answer.replacement ?? '')?.usedFor !== keyId)
      broken(`${told} with ${answer.replacement}, which was not taken for it`);
    else if (final.keys.get(answer.replacement ?? '')?.live !== true)
      broken(`${told} with ${answer.replacement}, which is no live key`);
  }
  return violations;
}

/** What is wrong after a run in which some callers, or all, have an older flow. */
export interface OlderFlowDamage {
  readonly used: number;
  /** Backups that took no key's place, by who claimed them. */
  readonly wastedByOlderFlow: number;
  readonly wastedByRotations: number;
  readonly lostBindings: number;
  /** Callers of the flow under test that were told `not-found`. */
  readonly notFound: number;
}

export function countOlderFlowDamage({ start, final: left, history }: RotationRun): OlderFlowDamage {
  const final = retireUnmarked(left);
  const replacements = readReplacements(start, final, history);
  const rotations = new Set(rotationsOf(start, final, history).map(({ id }) => id));
  const wasted = findWasted(start, final, replacements);
  const wastedByRotations = wasted.filter(({ backupId }) => rotations.has(backupId)).length;
  const bound = new Set(final.bindings.map(({ rest }) => rest));
  return {
    used: [...replacements.takenFor.values()].flat().length,
    wastedByOlderFlow: wasted.length - wastedByRotations,
    wastedByRotations,
    lostBindings: start.bindings.filter(({ rest }) => !bound.has(rest)).length,
    notFound: history.operations.filter(({ by, answer }) => by === undefined && answer.kind === 'not-found').length,
  };
}
