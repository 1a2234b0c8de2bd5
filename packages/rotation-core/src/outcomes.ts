/** The answer of one call of `rotate`. Of all callers of one incarnation, exactly one gets `rotated`. `keyId` is what was asked for, which may be the text of an id. */
export type RotationOutcome<Id = string> =
  /** This caller's rotation was committed: `replacement` is live and has all the bindings. */
  | {
      readonly kind: 'rotated';
      readonly keyId: Id | string;
      readonly replacement: Id;
      readonly rotationId: string;
      /** Transactions that were run for the rotation, from 1 up. */
      readonly attempts: number;
    }
  /** Another rotation replaced the key, just now or earlier. `replacement` is the live key at the end of the chain. */
  | { readonly kind: 'already-rotated'; readonly keyId: Id | string; readonly replacement: Id }
  /**
   * The pool has made as many rotations as its brake allows: what fails so often tells of the upstream, not of the keys. Key, bindings and
   * backups are unchanged. Try again at `until`.
   */
  | { readonly kind: 'held-back'; readonly keyId: Id | string; readonly until: Date }
  /** There was no free backup. Key, bindings and backups are unchanged, but for the counter by which a key is locked. */
  | { readonly kind: 'no-backup'; readonly keyId: Id | string }
  /**
   * The key is live, in the incarnation `live`. Nothing is known of the incarnation that was asked for, so the key was left alone: either that
   * incarnation is long over, or `asked` was taken from a document that lacks the field `incarnation`.
   */
  | { readonly kind: 'other-incarnation'; readonly keyId: Id | string; readonly asked: string; readonly live: string }
  /** Neither the key nor a live successor of it exists. */
  | { readonly kind: 'not-found'; readonly keyId: Id | string }
  /** The deadline passed or the attempts were used up, and this call certainly changed nothing. Try again later. */
  | { readonly kind: 'busy'; readonly keyId: Id | string }
  /**
   * The deadline passed or the attempts were used up, and the rotation may have been committed. Ask `findRotation(rotationId)`
   * later, or call `rotate` again.
   */
  | { readonly kind: 'indeterminate'; readonly keyId: Id | string; readonly rotationId: string };
