import type { Db } from 'mongodb';
import type { Pool } from 'rotation-core';
import type { Claim, ToldOutcome } from '../history.ts';

/** The flow under test, as one process runs it on one pool. */
export interface RunningFlow {
  rotate(caller: number, keyId: string): Promise<ToldOutcome>;
}

/** Where a flow reports what the checker and the reader want to know. */
export interface Observer {
  claimed(claim: Claim): void;
  conflicted(): void;
  lostRace(): void;
}

export interface Subject {
  readonly name: string;
  /** One sentence: what it does, and for a known-bad flow what is wrong with it. */
  readonly about: string;
  /** `violated`: a known-bad flow. It must be caught in each of the runs of `caughtBy`. */
  readonly expected: 'valid' | 'violated';
  /** Callers under way at once in each process, where more would measure nothing but their crowding. Default: all. */
  readonly concurrency?: number;
  readonly open: (db: Db, pool: Pool, observer: Observer) => RunningFlow;
}

export interface KnownBadSubject extends Subject {
  readonly expected: 'violated';
  /** The runs that must catch it. */
  readonly caughtBy: readonly { readonly scenario: string; readonly adapter: string }[];
}
