/**
 * Why a free backup can't take the place of a key. `live-key`: a live key has its id. `failed-credential`: it has the apiKey of the failed key.
 * `duplicate`: a unique index of the service refuses the key that it would become, or a binding to it. `refused`: `verify` refused it, and the
 * database could not be told.
 */
export type Unusable = 'live-key' | 'failed-credential' | 'duplicate' | 'refused';

/**
 * What happens inside a rotator; for logs, metrics and tests. Every event names its `pool`. No event carries an apiKey. Ids are texts; those of a
 * pool with `secretIds` are digests.
 */
export type RotationEvent = { readonly pool: string } & (
  | {
      /** A backup was claimed inside a transaction, which may still be undone. */
      readonly type: 'claimed';
      readonly keyId: string;
      readonly backupId: string;
      readonly rotationId: string;
    }
  | {
      /** A rotation was committed. */
      readonly type: 'rotated';
      readonly keyId: string;
      readonly replacement: string;
      readonly rotationId: string;
      /** Transactions that were run for the rotation, from 1 up. */
      readonly attempts: number;
    }
  /** An earlier attempt failed, and the next attempt found the key replaced by another rotation. */
  | { readonly type: 'lost-race'; readonly keyId: string; readonly replacement: string; readonly attempts: number }
  | {
      /** An attempt failed, and the rotation will be tried again. */
      readonly type: 'retried';
      readonly keyId: string;
      readonly rotationId: string;
      /** The attempt that failed, from 1 up. */
      readonly attempt: number;
      readonly reason: RetryReason;
      /** What failed, as in `WriteConflict (112)` or `MongoNetworkError`; without values of documents. */
      readonly error: string;
      /** Milliseconds until the next attempt. */
      readonly delayMs: number;
    }
  /** A free backup can't take the place of a key. It is passed over for a minute, and counts as no stock. */
  | { readonly type: 'backup-unusable'; readonly backupId: string; readonly why: Unusable }
  /**
   * `verify` refused a free backup, and it was set aside: no process claims it until `restoreBackup` frees it. `reason`: as `verify` gave it,
   * without credentials.
   */
  | { readonly type: 'backup-set-aside'; readonly backupId: string; readonly reason: string }
  /**
   * `verify` gave no verdict on a free backup: it threw, took too long, or returned something else. The backup stays free, and others are
   * tried first for a second.
   */
  | { readonly type: 'backup-unverified'; readonly backupId: string; readonly error: string }
  /** A rotation found no free backup. */
  | { readonly type: 'no-backup'; readonly keyId: string }
  /** The pool's brake holds until then: so many keys failed that the upstream may be at fault. */
  | { readonly type: 'held-back'; readonly keyId: string; readonly until: Date }
  /**
   * A caller asked for another incarnation than the one that is live, and the key was left alone. If this comes for each failure of a key, the caller
   * reads its keys without `incarnation` or `createdAt`.
   */
  | { readonly type: 'other-incarnation'; readonly keyId: string; readonly asked: string; readonly live: string }
  /** A caller asked for a key that is not there and has no successor. */
  | { readonly type: 'not-found'; readonly keyId: string }
  /** `handleFailure` marked a key that failed for good while there was no backup. `until`: undefined where it needs a new secret. */
  | { readonly type: 'marked'; readonly keyId: string; readonly until: Date | undefined }
  | {
      /** A caller was answered `busy`; reported once for each rotation. */
      readonly type: 'busy';
      readonly keyId: string;
      readonly rotationId: string;
      /** Transactions that were run for the rotation, from 0 up. */
      readonly attempts: number;
      /** Why the rotation was not done in time. `queued`: other rotations took all the time. `slow`: the database answered too late. */
      readonly reason: RetryReason | 'queued' | 'slow';
      /** The error of the last attempt; undefined if no attempt has failed. */
      readonly error: string | undefined;
    }
  /** A caller was answered `indeterminate`; reported once for each rotation. */
  | { readonly type: 'indeterminate'; readonly keyId: string; readonly rotationId: string }
  /** `freeBackups` backups are left, at most as many as `threshold`. */
  | { readonly type: 'low-stock'; readonly freeBackups: number; readonly threshold: number }
  /** Transactions that a dead or frozen client had left open were ended; they may have blocked a rotation. */
  | { readonly type: 'abandoned-ended'; readonly transactions: number }
  /** Abandoned transactions can't be found or ended, and block rotations until the server ends them; reported once for each error. */
  | { readonly type: 'abandoned-unseen'; readonly error: string }
);

/**
 * Why an attempt at a rotation failed.
 *
 * - `conflict`: another transaction holds a document, and the server undid this one.
 * - `ended`: the server or another rotator ended the transaction, because it was idle or open for too long.
 * - `unreachable`: no primary answered. Nothing was changed.
 * - `commit-in-doubt`: the commit got no clear reply.
 * - `older-flow`: a flow without rotationIds has claimed a backup for the key a moment ago, and is waited for.
 * - `unusable-backup`: the chosen backup can't be used; see the event `backup-unusable`.
 * - `unverified`: there are free backups, and `verify` gave a verdict on none of them; see the event `backup-unverified`. Or a backup was changed
 *   after it had been verified.
 */
export type RetryReason =
  'conflict' | 'ended' | 'unreachable' | 'commit-in-doubt' | 'older-flow' | 'unusable-backup' | 'unverified';

/**
 * Called synchronously. An error that a listener throws does not reach the rotation: it becomes an uncaught exception, as in an
 * EventTarget.
 */
export type RotationListener = (event: RotationEvent) => void;

const ID_FIELDS: ReadonlySet<string> = new Set(['keyId', 'backupId', 'replacement']);

/** The event with its ids as `show` gives them. */
export function withShownIds(event: RotationEvent, show: (id: string) => string): RotationEvent {
  const shown = Object.entries(event).map(([name, value]) => [name, ID_FIELDS.has(name) ? show(String(value)) : value]);
  return Object.fromEntries(shown) as RotationEvent;
}

export function notify(listener: RotationListener | undefined, event: RotationEvent): void {
  try {
    listener?.(event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
