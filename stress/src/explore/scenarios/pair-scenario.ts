import type { KeyDocument } from 'rotation-core';
import type { Violation } from '../../checker/violation.ts';
import type { History } from '../../history.ts';
import type { PoolState } from '../../pool-state.ts';
import type { StartState } from '../../scenarios/scenario.ts';

/** One caller. */
export interface PairCall {
  readonly caller: number;
  readonly keyId: string;
  /** The life of the key that failed, as `incarnationOf` names it. Default: whichever is live. */
  readonly incarnation?: string;
  /** This often the replacement fails again: the caller rotates the key that it was given. Default: 0. */
  readonly follow?: number;
}

export type OperatorStep =
  | { readonly kind: 'bind'; readonly keyId: string; readonly proxyId: string }
  | { readonly kind: 'restore'; readonly backupId: string }
  /** Puts a key back that was rotated away; one that is live stays as it is. */
  | { readonly kind: 'add-key'; readonly key: KeyDocument };

/** What one client does, which stands for a process: all its calls at once, or an operator's steps one after the other. */
export type ClientPlan = { readonly calls: readonly PairCall[] } | { readonly operator: readonly OperatorStep[] };

/** A step that took effect. */
export interface Operated {
  readonly step: OperatorStep;
  /** `bound`, `restored`, `added`, ... */
  readonly told: string;
}

/** One schedule, over, as a check sees it. */
export interface PairRun {
  readonly start: PoolState;
  /** States that were committed on the way. */
  readonly between: readonly PoolState[];
  readonly final: PoolState;
  readonly history: History;
  readonly operated: readonly Operated[];
}

export interface PairPlan {
  readonly start: StartState;
  readonly clients: readonly ClientPlan[];
}

/** A start state and a few clients, small enough that every interleaving of their commands can be run. */
export interface PairScenario {
  readonly name: string;
  readonly about: string;
  /** An operator's client comes last; needs a flow that binds and restores. Default: false. */
  readonly hasOperator?: boolean;
  /**
   * @param callers clients that call
   * @param shares a further caller comes in the first client, to share with its first one what can be shared
   */
  readonly plan: (callers: number, shares: boolean) => PairPlan;
  /** Pure. Default: the checker for runs in which only rotations change the pool. */
  readonly judge?: (run: PairRun) => Violation[];
}
