/** What one caller of `rotate` is told. Of all callers of one incarnation exactly one gets `rotated`. */
export type RotationOutcome =
  /** This caller's rotation was made: `replacement` is live and has all the bindings. */
  | {
      readonly kind: 'rotated';
      readonly keyId: string;
      readonly replacement: string;
      readonly rotationId: string;
      /** Transactions that were tried, 1 or more. */
      readonly attempts: number;
    }
  /** Somebody else's was made, now or earlier; `replacement` is the live key at the end of the chain. */
  | { readonly kind: 'already-rotated'; readonly keyId: string; readonly replacement: string }
  /** There was no free backup: key, bindings and backups are as they were. */
  | { readonly kind: 'no-backup'; readonly keyId: string }
  /** Neither the key (in this incarnation) nor a live successor of it exists. */
  | { readonly kind: 'not-found'; readonly keyId: string }
  /** The deadline or the attempts ended first, and it is certain that this call changed nothing. Try again later. */
  | { readonly kind: 'busy'; readonly keyId: string }
  /** The deadline ended while the rotation may have been committed. Ask `findRotation(rotationId)` later, or rotate again. */
  | { readonly kind: 'indeterminate'; readonly keyId: string; readonly rotationId: string };
