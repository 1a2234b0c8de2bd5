import type { BackupState, BindingState, PoolState } from '../model/pool-state.ts';
import { findWasted } from './check-waste.ts';
import { afterCommit, CommittedPool, touchedBy } from './committed-pool.ts';
import type { RotationViolation } from './invariants.ts';
import { retireUnmarked } from './past-rotations.ts';
import { groupBy, readReplacements, readTold } from './replacements.ts';
import type { PoolCommit, RotationHistory, RotationOperation, RotationRun } from './rotation-run.ts';

/** A younger claim of an older flow is waited for: the default of `maxOlderFlowMs`, which the deployments have. */
const MAX_OLDER_FLOW_MS = 5_000;

/**
 * For runs in which some callers have an older flow. Judges what rotations promise beside it: each of them claims one backup for a key, which then is
 * live with all bindings of the key, and their callers learn of a live key. What the older flow breaks is no violation; see
 * `countOlderFlowDamage`.
 */
export function checkBesideOlderFlow({
  start,
  between,
  commits = [],
  final,
  history,
}: RotationRun): RotationViolation[] {
  const slow = keysOfSlowOlderFlows(history);
  const rotations = rotationsOf(start, final, history).filter(({ usedFor = '' }) => !slow.has(usedFor));
  const operations = history.operations.filter(({ by, keyId }) => by === undefined && !slow.has(keyId));
  return [
    ...checkOneClaim(rotations),
    ...rotations.flatMap((rotation) => checkWhole(final, rotation)),
    ...between.flatMap((state) =>
      checkMeanwhile(state, rotations).map(({ invariant, sentence }): RotationViolation => {
        return { invariant, sentence: `in a state that was committed meanwhile: ${sentence}` };
      }),
    ),
    ...checkEachCommit(start, commits, rotations),
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
function rotationsOf(start: PoolState, state: PoolState, { claims }: RotationHistory): readonly MadeRotation[] {
  const older = new Set(claims.filter(({ caller }) => caller !== undefined).map(({ backupId }) => backupId));
  const boundTo = groupBy(start.bindings, ({ keyId }) => keyId);
  return [...state.backups.values()]
    .filter(({ id, isUsed }) => isUsed && start.backups.get(id)?.isUsed === false && !older.has(id))
    .map((backup) => ({ ...backup, bound: boundTo.get(backup.usedFor ?? '') ?? [] }));
}

const checkOneClaim = (rotations: readonly BackupState[]): RotationViolation[] =>
  [...groupBy(rotations, ({ usedFor = '' }) => usedFor)]
    .filter(([, { length }]) => length > 1)
    .map(([keyId, taken]): RotationViolation => {
      const sentence = `${keyId} took ${taken.map(({ id }) => id).join(' and ')} by rotations: one is enough`;
      return { invariant: 'I1', sentence };
    });

/** A rotation, and what was bound to its key when the run began. */
interface MadeRotation extends BackupState {
  readonly bound: readonly BindingState[];
}

/** Of rotations that were made by then. */
const checkMeanwhile = ({ backups, ...state }: PoolState, rotations: readonly MadeRotation[]): RotationViolation[] =>
  rotations
    .filter(({ id }) => backups.get(id)?.isUsed === true)
    .flatMap((rotation) => checkWhole({ ...state, backups }, rotation));

/** A commit can spoil only what it touches: so this is linear in the writes. Ends at the first commit after which something is broken. */
function checkEachCommit(
  start: PoolState,
  commits: readonly PoolCommit[],
  rotations: readonly MadeRotation[],
): RotationViolation[] {
  const pool = new CommittedPool(start);
  const rotationOf = new Map(rotations.map((rotation) => [rotation.id, rotation]));
  for (const [index, commit] of commits.entries()) {
    pool.apply(commit);
    const touched = touchedBy(commit);
    const made = [...touched].flatMap((id) => rotationOf.get(id) ?? []);
    const violations = checkMeanwhile(pool.part(touched), made);
    if (violations.length > 0)
      return violations.map(({ invariant, sentence }) => ({
        invariant,
        sentence: `${afterCommit(index, commits)}: ${sentence}`,
      }));
  }
  return [];
}

function checkWhole(state: PoolState, { id, usedFor = '', bound }: MadeRotation): RotationViolation[] {
  if (state.keys.get(id)?.live !== true)
    return [{ invariant: 'I2', sentence: `${id} wasted: a rotation claimed it for ${usedFor}, and it is no live key` }];
  const moved = new Set(state.bindings.filter(({ keyId }) => keyId === id).map(({ rest }) => rest));
  const missing = bound.filter(({ rest }) => !moved.has(rest));
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
  const winnersOf = groupBy(operations, ({ answer }) => (answer.kind === 'rotated' ? answer.replacement : ''));
  for (const { id, usedFor = '' } of rotations) {
    const { length } = winnersOf.get(id) ?? [];
    if (length !== 1) broken(`${length} callers were told that they rotated ${usedFor} to ${id}`);
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
  const replacements = readReplacements(start, final, readTold(history));
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
