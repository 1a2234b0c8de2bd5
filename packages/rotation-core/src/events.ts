/** What happens inside; for logs, metrics and tests. Never carries an apiKey. Every event names its `pool`. */
export type RotationEvent = { readonly pool: string } & (
  | {
      /** A backup was claimed inside a transaction, which may still be undone. */
      readonly type: 'claimed';
      readonly keyId: string;
      readonly backupId: string;
      readonly rotationId: string;
    }
  | {
      readonly type: 'rotated';
      readonly keyId: string;
      readonly replacement: string;
      readonly rotationId: string;
      readonly attempts: number;
    }
  /** Another rotation of the same key won while this one was being tried. */
  | { readonly type: 'lost-race'; readonly keyId: string; readonly replacement: string; readonly attempts: number }
  | {
      readonly type: 'retried';
      readonly keyId: string;
      readonly rotationId: string;
      /** The attempt that failed, from 1. */
      readonly attempt: number;
      /** `conflict`: undone by the server. `commit-in-doubt`: its commit got no clear reply. */
      readonly reason: 'conflict' | 'commit-in-doubt';
      readonly delayMs: number;
    }
  | { readonly type: 'no-backup'; readonly keyId: string }
  | { readonly type: 'indeterminate'; readonly keyId: string; readonly rotationId: string }
  /** Free backups are at or under the threshold. */
  | { readonly type: 'low-stock'; readonly freeBackups: number; readonly threshold: number }
  /** Transactions that a dead or frozen client left open, and that were in the way, were ended. */
  | { readonly type: 'abandoned-ended'; readonly transactions: number }
);

/** Called synchronously. What it throws does not reach the rotation: it becomes an uncaught exception, as in an EventTarget. */
export type RotationListener = (event: RotationEvent) => void;

export function notify(listener: RotationListener | undefined, event: RotationEvent): void {
  try {
    listener?.(event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
