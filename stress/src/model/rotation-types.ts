import type { NoAnswer, SystemTypes } from 'mongo-harness';
import type { Pool } from 'rotation-core';
import type { PoolSnapshot } from './pool-state.ts';
import type { PoolWrite } from './pool-write.ts';
import type { StartState } from './start-state.ts';

/** What the harness calls the parts of a rotation. */
export interface RotationTypes extends SystemTypes {
  readonly call: PoolCall;
  readonly answer: FlowAnswer;
  readonly claim: Claim;
  readonly state: PoolSnapshot;
  readonly write: PoolWrite;
  readonly start: StartState;
  readonly service: Pool;
}

/** What a caller, or an operator, asks of a service. */
export type PoolCall = RotateCall | OperatorCall;

export interface RotateCall {
  readonly op: 'rotate';
  readonly keyId: string;
  /** The incarnation of the key that failed, as `incarnationOf` names it. Default: the one that is live. */
  readonly incarnation?: string;
  /** The caller's process still has the flow that the service had before. Default: the flow under test. */
  readonly by?: 'older-flow';
}

export type OperatorCall =
  | { readonly op: 'bind'; readonly keyId: string; readonly proxyId: string }
  | { readonly op: 'restore'; readonly backupId: string }
  /** Puts a key back that was rotated away; a live key stays as it is. `createdAt` is ISO 8601. */
  | { readonly op: 'add-key'; readonly keyId: string; readonly createdAt: string };

export type FlowAnswer =
  /** `attempts`: transactions that were run for it. Default: 1. */
  | { readonly kind: 'rotated'; readonly replacement: string; readonly rotationId?: string; readonly attempts?: number }
  /** Without a replacement: the flow only knows that the key is gone. */
  | { readonly kind: 'already-rotated'; readonly replacement?: string }
  | { readonly kind: 'no-backup' | 'not-found' | 'busy' }
  /** `live`: the incarnation that is live. */
  | { readonly kind: 'other-incarnation'; readonly live: string }
  /** `waitMs`: from the answer until the caller may try again. */
  | { readonly kind: 'held-back'; readonly waitMs: number }
  | { readonly kind: 'indeterminate'; readonly rotationId: string }
  /** An operator's. */
  | { readonly kind: 'bound' | 'already-bound' | 'restored' | 'already-free' | 'live-key' | 'added' | 'still-live' };

/** What a caller was answered. `error` carries a RotationError's code, `unexpected`, or a program's code. */
export type Answer = FlowAnswer | NoAnswer;

/** A caller without a clear answer may have rotated the key, now or later. */
export const isDoubtful = ({ kind }: Answer): boolean => kind === 'indeterminate' || kind === 'crashed';

/** A backup was taken for a key; inside a transaction, that may have been undone. */
export interface Claim {
  readonly keyId: string;
  readonly backupId: string;
  /** The caller, where the flow serves one caller at a time. */
  readonly caller?: number;
  /** The rotation, where callers share one; its caller is the one that was told this id. */
  readonly rotationId?: string;
}
