import type { FlowModule } from '../../../src/index.ts';

/** An id from a counter of this module: it is unique only in one process. */
let count = 0;

export const flow: FlowModule<number>['flow'] = async (_client, db) => {
  count++;
  await db.collection<{ _id: number }>('c').insertOne({ _id: count });
  return count;
};
