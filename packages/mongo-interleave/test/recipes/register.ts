import type { FlowModule } from 'mongo-interleave';

let registered = 0;

export const flow: FlowModule<number>['flow'] = async (_client, db) => {
  registered += 1;
  await db.collection<{ _id: number }>('members').insertOne({ _id: registered });
  return registered;
};
