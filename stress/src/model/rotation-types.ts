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
export type PoolCall = (RotateCall | OperatorCall) & {
  /** Where the caller goes on with calls that are drawn. Default: the call has nothing to do with others. */
  readonly draw?: CallDraw;
};

/** A place in the calls that one caller makes, one after the other; what comes next is drawn from it, and depends on the answer. */
export interface CallDraw {
  readonly seed: number;
  /** Calls that the caller has made before. */
  readonly made: number;
}

export interface RotateCall {
  readonly op: 'rotate';
  readonly keyId: string;
  /** The incarnation of the key that failed, as `incarnationOf` names it. Default: the one that is live. */
  readonly incarnation?: string;
  /** The caller's process still has the flow that the service had before. Default: the flow under test. */
  readonly by?: 'older-flow';
}

export type OperatorCall = VerbCall | WriteCall;

/** A verb of rotation-core. */
export type VerbCall =
  | { readonly op: 'bind'; readonly keyId: string; readonly proxyId: string }
  | { readonly op: 'restore'; readonly backupId: string }
  | { readonly op: 'sweep' }
  | { readonly op: 'find-rotation'; readonly rotationId: string }
  /** `used`: what the caller's key document says of its incarnation; the time is ISO 8601. `status`: of the upstream's answer. */
  | {
      readonly op: 'handle-failure';
      readonly keyId: string;
      readonly used: { readonly incarnation: string } | { readonly createdAt: string };
      readonly status: number;
    };

const VERBS: readonly PoolCall['op'][] = ['rotate', 'bind', 'restore', 'sweep', 'find-rotation', 'handle-failure'];

/** A rotator's own: what operators write is between them and the driver, and not asked again. */
export const isVerb = ({ op }: PoolCall): boolean => VERBS.includes(op);

/** What operators write by themselves. */
export type WriteCall =
  /** Puts a key back that was rotated away; a live key stays as it is. `createdAt` is ISO 8601. */
  | { readonly op: 'add-key'; readonly keyId: string; readonly createdAt: string }
  /** The same, also of a key whose id is a backup's: one that is free is left alone. */
  | { readonly op: 'put-back'; readonly keyId: string; readonly createdAt: string }
  | { readonly op: 'delete-key'; readonly keyId: string }
  | { readonly op: 'add-backup'; readonly backupId: string }
  /** Deletes a backup that is used, or one that is free. */
  | { readonly op: 'delete-backup'; readonly backupId: string; readonly isUsed: boolean }
  /** A plain insert, which a rotation at that moment may miss. */
  | { readonly op: 'insert-binding'; readonly keyId: string; readonly proxyId: string };

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
  /** `boundTo`: the asked key, or its live successor. */
  | { readonly kind: 'bound' | 'already-bound'; readonly boundTo: string }
  | { readonly kind: 'restored' | 'already-free' | 'live-key' }
  | { readonly kind: 'swept'; readonly moved: number; readonly unresolved: readonly string[] }
  | { readonly kind: 'found'; readonly keyId: string; readonly replacement: string }
  | { readonly kind: 'unknown-rotation' }
  | { readonly kind: 'marked' | 'already-marked' | 'cooling-down' | 'unaffected' }
  /** An operator's writes. `free-backup`: a backup of this name is free, and would be a live key too. `no-match`: nothing was deleted. */
  | { readonly kind: 'added' | 'still-live' | 'free-backup' | 'exists' | 'deleted' | 'no-match' };

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
