/*
 * What happened in a run, on one clock: milliseconds since the run began, read from the machine's monotonic clock, which all
 * processes share.
 */

/** What a caller was told; `error` carries a RotationError's code, or `unexpected`. */
export type ToldOutcome =
  | { readonly kind: 'rotated'; readonly replacement: string; readonly rotationId?: string }
  /** Without a replacement: the flow only knows that the key is gone. */
  | { readonly kind: 'already-rotated'; readonly replacement?: string }
  | { readonly kind: 'no-backup' | 'not-found' | 'busy' }
  | { readonly kind: 'indeterminate'; readonly rotationId: string }
  /** Nothing: its process was gone before the answer. It may have done all of it. */
  | { readonly kind: 'crashed' }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

/** Who got no clear answer may have rotated the key, now or later. */
export const isDoubtful = ({ kind }: ToldOutcome): boolean => kind === 'indeterminate' || kind === 'crashed';

/** One call of `rotate`, from its begin to its answer. */
export interface Operation {
  readonly caller: number;
  readonly process: number;
  readonly pool: string;
  readonly keyId: string;
  readonly invokedAtMs: number;
  /** Infinite where there was no answer. */
  readonly completedAtMs: number;
  readonly outcome: ToldOutcome;
}

/** A backup was taken for a key; where it happened inside a transaction, it may have been undone. */
export interface Claim {
  readonly keyId: string;
  readonly backupId: string;
  /** The caller, where the flow serves one caller at a time. */
  readonly caller?: number;
  /** The rotation, where callers share one; its caller is the one that was told this id. */
  readonly rotationId?: string;
}

export interface History {
  /** What its times are: milliseconds, or at a gate steps, of which the whole ones are replies. Default: ms. */
  readonly unit?: 'ms' | 'steps';
  readonly operations: readonly Operation[];
  readonly claims: readonly Claim[];
  /** Attempts that the database undid. */
  readonly conflicts: number;
  /** Rotations that found, after a conflict, that another one had won. */
  readonly lostRaces: number;
}

export const mergeHistories = (parts: readonly History[]): History => ({
  operations: parts.flatMap(({ operations }) => operations),
  claims: parts.flatMap(({ claims }) => claims),
  conflicts: parts.reduce((sum, { conflicts }) => sum + conflicts, 0),
  lostRaces: parts.reduce((sum, { lostRaces }) => sum + lostRaces, 0),
});
