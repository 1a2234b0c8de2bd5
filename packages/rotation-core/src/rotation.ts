import type { RotationReason } from './failures.ts';

/** A rotation that was asked for. Its callers share it, and every attempt at it has the same `rotationId`. */
export interface Rotation {
  readonly rotationId: string;
  readonly keyId: string;
  /**
   * The incarnation that failed. If the callers named none, the first attempt pins it to the incarnation that it reads. Else a
   * second attempt could rotate a key that was inserted under the same id between the two.
   */
  incarnation: string | undefined;
  readonly reason: RotationReason;
}

/** What a committed transaction says about one rotation. */
export type Answer =
  | { readonly kind: 'rotated'; readonly replacement: string }
  | { readonly kind: 'already-rotated'; readonly replacement: string }
  /** The key is live, but in another incarnation than the one that was asked for, of which nothing is known. */
  | { readonly kind: 'other-incarnation'; readonly asked: string; readonly live: string }
  /** The pool's brake holds. */
  | { readonly kind: 'held-back'; readonly until: Date }
  | { readonly kind: 'no-backup' }
  | { readonly kind: 'not-found' };
