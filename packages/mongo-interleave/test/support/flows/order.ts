import type { FlowModule } from '../../../src/index.ts';

export const flow: FlowModule<string>['flow'] = async (_client, db) => {
  const { insertedId } = await db.collection('orders').insertOne({ x: 1 });
  return insertedId.toHexString();
};
