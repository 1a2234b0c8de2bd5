import { inject } from 'vitest';

declare module 'vitest' {
  /** What the global set-up provides. */
  interface ProvidedContext {
    /** One for each worker of vitest. */
    oneMemberSets: readonly OneMemberSet[];
    /** One for each worker of vitest. */
    exploringSets: readonly OneMemberSet[];
    /** The path of their mongod; undefined where the sets are not local ones. */
    mongod: string | undefined;
  }
}

/** A replica set whose majority writes need no journal, for nobody stops its member. JSON. */
export interface OneMemberSet {
  readonly uri: string;
  /** The port of its member, on the loopback address. */
  readonly port: number;
}

/**
 * The one-member set of this worker. No other file uses it at the same time, so fail points and server parameters are this file's own;
 * the file must leave them as they were, and must not stop the member.
 */
export const oneMemberSet = (): OneMemberSet => ofThisWorker(inject('oneMemberSets'));

/**
 * As {@link oneMemberSet}, for explorations: the server keeps no history of documents. A schedule is a fifth faster, and snapshot reads,
 * which storms make, don't work.
 */
export const exploringSet = (): OneMemberSet => ofThisWorker(inject('exploringSets'));

function ofThisWorker(sets: readonly OneMemberSet[]): OneMemberSet {
  const worker = Number(process.env['VITEST_POOL_ID']);
  const set = sets[worker - 1];
  if (set === undefined) throw new Error(`there is no replica set for worker ${worker}`);
  return set;
}
