import type { Db } from 'mongodb';
import type { StoredId } from '../ids.ts';
import type { RotationEvent } from '../events.ts';
import type { ResolvedTestingOptions } from '../options.ts';
import type { AnyPool } from '../pool.ts';
import type { Turns } from '../queue/turns.ts';
import type { FlowParts } from './flow-parts.ts';

/** What the verbs of one rotator share. */
export interface RotatorContext {
  /** Of calls that would conflict with each other. */
  readonly turns: Turns;
  readonly db: Db;
  readonly pool: AnyPool;
  readonly settings: ResolvedTestingOptions<StoredId>;
  readonly flow: FlowParts;
  readonly emit: (event: RotationEvent) => void;
}

/** What one call of a verb other than `rotate` works with: the rotator's parts, which note where the call is, and its bounds. */
export interface CallContext extends RotatorContext {
  readonly call: Call;
}

/** One call of a verb other than `rotate`. */
export interface Call {
  /** True once the caller has its answer, by the deadline or the signal: nothing more may be committed. */
  over: boolean;
  /** True while a commit is under way, and from a commit without a clear reply to the next commit with one. */
  inDoubt: boolean;
  /** Resolves when the call is over. */
  readonly ended: Promise<void>;
  /** The error after which the call was tried again, if there is one. */
  lastError: unknown;
}

/** @returns the call, and what is to be called once when it is over */
export function beginCall(): { readonly call: Call; readonly end: () => void } {
  const ended = Promise.withResolvers<void>();
  const call: Call = { over: false, inDoubt: false, lastError: undefined, ended: ended.promise };
  return {
    call,
    end: () => {
      call.over = true;
      ended.resolve();
    },
  };
}
