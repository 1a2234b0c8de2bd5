import type { BackupState, KeyState, PoolSnapshot, PoolState } from '../../src/model/pool-state.ts';

/** A pool in short: what stands in its three collections. */
export interface PoolText {
  /** Live keys. */
  readonly keys?: readonly string[];
  /** Retired keys that are kept for review. */
  readonly kept?: readonly string[];
  readonly free?: readonly string[];
  /** Backups that were set aside. */
  readonly aside?: readonly string[];
  /** Used backups, each with the key that it was used for. */
  readonly used?: Readonly<Record<string, string | undefined>>;
  /** Of used backups, where rotation-core claimed them. Default: of none. */
  readonly rotationIds?: Readonly<Record<string, string>>;
  /** Proxies, each with the keys that it is bound to. */
  readonly bindings?: Readonly<Record<string, string | readonly string[]>>;
  /** How many rotations the brake allows now. Default: there is no brake. */
  readonly allowed?: number;
}

const BRAKE_MAX_ROTATIONS = 10;
export const BRAKE_PER_MS = 60_000;

export function pool({
  keys = [],
  kept = [],
  free = [],
  aside = [],
  used = {},
  rotationIds = {},
  bindings = {},
  allowed,
}: PoolText): PoolState {
  const backups = [
    ...free.map((id) => freeBackup(id)),
    ...aside.map((id) => ({ ...freeBackup(id), isSetAside: true, content: `${id} set aside` })),
    ...Object.entries(used).map(([id, key]) => usedBackup(id, key, rotationIds[id])),
  ];
  return {
    keys: byId([...keys.map((id) => keyOf(id, true)), ...kept.map((id) => keyOf(id, false))]),
    backups: byId(backups),
    bindings: Object.entries(bindings).flatMap(([proxyId, keyIds]) =>
      [keyIds].flat().map((keyId) => ({ keyId, rest: JSON.stringify({ isActive: true, proxyId }) })),
    ),
    ...(allowed === undefined
      ? {}
      : {
          brake: { maxRotations: BRAKE_MAX_ROTATIONS, perMs: BRAKE_PER_MS, made: BRAKE_MAX_ROTATIONS - allowed },
        }),
  };
}

export const withKey = (state: PoolState, changed: Partial<KeyState> & { readonly id: string }): PoolState => ({
  ...state,
  keys: new Map(state.keys).set(changed.id, { ...keyOf(changed.id, true), ...state.keys.get(changed.id), ...changed }),
});

/** The incarnation of a key in these pools. */
export const incarnationIn = (keyId: string): string => `life of ${keyId}`;

const byId = <T extends { readonly id: string }>(all: readonly T[]): Map<string, T> =>
  new Map(all.map((one) => [one.id, one]));

const keyOf = (id: string, live: boolean): KeyState => ({
  id,
  live,
  incarnation: incarnationIn(id),
  apiKey: `key of ${id}`,
  content: `${id} ${live ? 'healthy' : 'retired'}`,
});

const freeBackup = (id: string): BackupState => ({
  id,
  isUsed: false,
  usedFor: undefined,
  apiKey: `key of ${id}`,
  content: `${id} free`,
});

const usedBackup = (id: string, usedFor: string | undefined, rotationId: string | undefined): BackupState => ({
  id,
  isUsed: true,
  usedFor,
  ...(rotationId === undefined ? {} : { rotationId }),
  apiKey: `key of ${id}`,
  content: `${id} used for ${usedFor ?? 'nothing'} by ${rotationId ?? 'somebody'}`,
});

/** As a run has it. */
export const toSnapshot = ({ keys, backups, bindings }: PoolState): PoolSnapshot => ({
  keys: [...keys.values()],
  backups: [...backups.values()],
  bindings,
});
