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
  | { readonly kind: 'no-backup' }
  | { readonly kind: 'not-found' };
