import type { FlowModule } from '../../../src/index.ts';

interface Counted {
  readonly _id: string;
  readonly n: number;
}
const plus = { $inc: { n: 1 } };

export const prepare: NonNullable<FlowModule<unknown, string>['prepare']> = async (_client, db) => {
  await db.collection('c').findOne({});
  return 'b';
};

/** A reads several documents at once and writes one; B writes one of those that A reads. */
export const flow: FlowModule<string, string>['flow'] = async ({ letter, life }, db, own) => {
  const c = db.collection<Counted>('c');
  if (letter === 'A') await Promise.all(['a', 'b', 'c'].map((_id) => c.findOne({ _id })));
  await c.updateOne({ _id: own }, plus);
  return `${letter}${life}`;
};
