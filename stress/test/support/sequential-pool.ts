import type { Answer } from '../../src/model/rotation-types.ts';
import { incarnationIn, pool } from './pool-states.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import { alreadyRotated, heldBack, noBackup, notFound, otherIncarnation, rotated } from './histories.ts';

/** The pool as I7 means it: one call after the other, each at one instant. Written anew here, to judge the checker by. */
export interface SequentialPool {
  readonly live: ReadonlySet<string>;
  readonly free: ReadonlySet<string>;
  /** What took which key's place. */
  readonly next: ReadonlyMap<string, Omit<LoggedRotation, 'keyId'>>;
  /** How many rotations the brake allows from now on; infinite without a brake. */
  readonly allowed: number;
}

/** A rotation that took effect. */
export interface LoggedRotation {
  readonly keyId: string;
  readonly backupId: string;
  readonly rotationId: string;
}

function liveEnd({ live, next }: SequentialPool, keyId: string): string | undefined {
  let id = next.get(keyId)?.backupId;
  while (id !== undefined && !live.has(id)) id = next.get(id)?.backupId;
  return id;
}

/** What a caller is told at this instant; `chosen` is the backup that a rotation takes. */
export function answer(
  state: SequentialPool,
  keyId: string,
  incarnation: string | undefined,
  chosen: string | undefined,
): Answer {
  const isMeant = incarnation === undefined || incarnation === incarnationIn(keyId);
  if (state.live.has(keyId)) {
    if (!isMeant) return otherIncarnation(incarnationIn(keyId));
    if (state.allowed === 0) return heldBack;
    return chosen === undefined ? noBackup : rotated(chosen);
  }
  if (!isMeant) return notFound;
  const end = liveEnd(state, keyId);
  return end === undefined ? notFound : alreadyRotated(end);
}

export function replace(
  { live, free, next, allowed }: SequentialPool,
  { keyId, ...made }: LoggedRotation,
): SequentialPool {
  const { backupId } = made;
  return {
    live: new Set([...live].filter((id) => id !== keyId)).add(backupId),
    free: new Set([...free].filter((id) => id !== backupId)),
    next: new Map(next).set(keyId, made),
    allowed: allowed - 1,
  };
}

/** As the database shows it; retired keys are deleted, or kept for review. Each key of `boundAtStart` has a proxy. */
export function asPoolState(
  state: SequentialPool,
  boundAtStart: readonly string[],
  retirement: 'delete' | 'keep',
): PoolState {
  const { live, free, next, allowed } = state;
  return pool({
    keys: [...live],
    kept: retirement === 'keep' ? [...next.keys()].filter((id) => !live.has(id)) : [],
    free: [...free],
    used: Object.fromEntries([...next].map(([keyId, { backupId }]) => [backupId, keyId])),
    rotationIds: Object.fromEntries([...next.values()].map(({ backupId, rotationId }) => [backupId, rotationId])),
    bindings: Object.fromEntries(
      boundAtStart.map((id) => [`proxy of ${id}`, live.has(id) ? id : (liveEnd(state, id) ?? id)]),
    ),
    ...(Number.isFinite(allowed) ? { allowed } : {}),
  });
}
