import { MongoClient, type ClientSession } from 'mongodb';
import { inThreads, interleave, type InterleaveOptions } from '../../src/index.ts';

/* A scenario with all that this package itself does with the driver: its numbers go to the standard output. */

const [uri = '', database = ''] = process.argv.slice(2);
const control = new MongoClient(uri);

interface Counted {
  readonly _id: string;
  readonly n: number;
}
const plus = { $inc: { n: 1 } };

const scenario = {
  uri,
  database,
  clients: 2,
  reset: async (db) => {
    await db.collection('c').deleteMany({});
    await db.collection<Counted>('c').insertMany(['a', 'b', 'c'].map((_id) => ({ _id, n: 0 })));
  },
  flow: async ({ mongo, letter, now }, db) => {
    const c = db.collection<Counted>('c');
    if (letter === 'A') return c.updateOne({ _id: 'b' }, plus);
    await now();
    const inTransaction = async (session: ClientSession): Promise<void> => {
      await session.withTransaction(() => c.updateOne({ _id: 'b' }, plus, { session }));
    };
    return mongo.withSession(inTransaction);
  },
  check: () => undefined,
} satisfies InterleaveOptions<unknown>;

try {
  const found: unknown[] = [];
  const count = async <T, P>(options: InterleaveOptions<T, P>, kinds: readonly 'crash-after'[] = []): Promise<void> => {
    const session = await interleave<T, P>(options);
    try {
      const faults = kinds.length === 0 ? {} : { faults: { kinds } };
      const { classes, complete, violations } = await session.explore(faults);
      found.push({ classes, complete, violations: violations.length });
    } finally {
      await session.close();
    }
  };
  await count({ ...scenario, clock: { ticksMs: [1_000] } });
  await count({ ...scenario, flow: async (_client, db) => db.collection<Counted>('c').updateOne({ _id: 'b' }, plus) }, [
    'crash-after',
  ]);
  await count({ ...scenario, ...inThreads(new URL('flows/several-at-once.ts', import.meta.url)) });
  process.stdout.write(JSON.stringify(found));
} finally {
  await control.db(database).dropDatabase();
  await control.close();
}
