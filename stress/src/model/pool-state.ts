/** A pool at one instant, in the words of the invariants, whatever its collections and fields are called. JSON, without credentials. */
export interface PoolSnapshot {
  readonly keys: readonly KeyState[];
  readonly backups: readonly BackupState[];
  readonly bindings: readonly BindingState[];
  /** Ids of the keys that have a copy in the pool's archive, where it has one. */
  readonly archived?: readonly string[];
  /** Where the pool has a brake. */
  readonly brake?: BrakeState;
}

/** The brake at one instant. */
export interface BrakeState {
  readonly maxRotations: number;
  readonly perMs: number;
  /** Rotations that count at this instant. */
  readonly made: number;
}

/** A snapshot by ids, as the checker looks things up. */
export interface PoolState {
  readonly keys: ReadonlyMap<string, KeyState>;
  readonly backups: ReadonlyMap<string, BackupState>;
  readonly bindings: readonly BindingState[];
  readonly archived?: ReadonlySet<string>;
  readonly brake?: BrakeState;
}

export interface KeyState {
  readonly id: string;
  /** False where a retired key is kept for review. */
  readonly live: boolean;
  /** As `incarnationOf` names it. */
  readonly incarnation?: string;
  /** The key looks as older flows left keys that they had replaced and kept; or it failed, and waits for a backup. */
  readonly mayBeKept?: boolean;
  /** Digest of the apiKey, to tell whether two are the same; comparable within one process. */
  readonly apiKey: string;
  /** Digest of the whole document, to tell whether it is as it was; comparable within one process. */
  readonly content: string;
}

export interface BackupState {
  readonly id: string;
  /** Every flow takes a backup only where `isUsed` is false; one without the field is as good as used. */
  readonly isUsed: boolean;
  readonly usedFor?: string | undefined;
  /** The rotation that claimed it, where it was one of rotation-core. */
  readonly rotationId?: string;
  /** True where `verify` refused it: nobody claims it until an operator frees it. */
  readonly isSetAside?: boolean;
  /** See {@link KeyState}. */
  readonly apiKey: string;
  /** See {@link KeyState}. */
  readonly content: string;
}

export interface BindingState {
  readonly keyId: string;
  /** What must stay the same when the binding moves, as text: all fields but `_id`, the key's id and `Pool.movedBindingFields`. */
  readonly rest: string;
}

export const byId = ({ keys, backups, bindings, archived, brake }: PoolSnapshot): PoolState => ({
  keys: new Map(keys.map((key) => [key.id, key])),
  backups: new Map(backups.map((backup) => [backup.id, backup])),
  bindings,
  ...(archived === undefined ? {} : { archived: new Set(archived) }),
  ...(brake === undefined ? {} : { brake }),
});
