import { equal } from 'node:assert/strict';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatRun, interleave, type FlowClient, type RunResult } from '../src/index.ts';

const set = exploringSet();
const control = new MongoClient(set.uri);
const database = createTestDatabaseName('traces');
const users = (db: Db) => db.collection<User>('users');
const pages = (db: Db) => db.collection<Page>('pages');

interface Page {
  readonly _id: string;
  readonly count: number;
  readonly likes: readonly string[];
}

interface User {
  readonly _id: string;
  readonly mail: string;
  readonly profile?: { readonly name: string; readonly phone: string };
  readonly sessions?: readonly { readonly device: string; readonly refreshToken: string }[];
  readonly password?: string;
}

beforeAll(async () => {
  const db = control.db(database);
  await db.createCollection('pages');
  await users(db).createIndex({ mail: 1 }, { unique: true, name: 'one_mail' });
});
afterAll(() => control.close());

test('a lost update: the value that was read, and the value that was written', async () => {
  await using session = await interleave({
    uri: set.uri,
    database,
    clients: 2,
    showFields: ['count'],
    reset: async (db) => {
      await pages(db).deleteMany({});
      await pages(db).insertOne({ _id: 'p', count: 0, likes: [] });
    },
    flow: async ({ letter }, db) => {
      const page = await pages(db).findOne({ _id: 'p' });
      await pages(db).updateOne({ _id: 'p' }, { $set: { count: (page?.count ?? 0) + 1 } });
      await pages(db).updateOne({ _id: 'p' }, { $addToSet: { likes: letter } });
      await pages(db).updateOne({ _id: 'p' }, { $pull: { likes: 'nobody' } });
    },
    check: async (db) => equal((await pages(db).findOne({ _id: 'p' }))?.count, 2),
  });
  const result = await session.run('v1:ABAAABBB');
  expect(formatRun(result)).toMatchInlineSnapshot(`
    "v1:ABAAABBB violated: Expected values to be strictly equal:
        1 !== 2
        A                                                         B
      1 find pages { _id: "p" } -> { _id: "p", count: 0 }
      2                                                           find pages { _id: "p" } -> { _id: "p", count: 0 }
      3 update pages { _id: "p" } $set { count: 1 } -> n=1
      4 update pages { _id: "p" } $addToSet likes -> n=1
      5 update pages { _id: "p" } $pull likes -> n=1, no change
      6                                                           update pages { _id: "p" } $set { count: 1 } -> n=1, no change
      7                                                           update pages { _id: "p" } $addToSet likes -> n=1
      8                                                           update pages { _id: "p" } $pull likes -> n=1, no change
        A returned undefined
        B returned undefined"
  `);
});

/** Each stands in a field that is not named. */
const SECRETS = {
  mail: 'ann@example.org',
  phone: '+49 30 123456',
  password: 'correct horse battery staple',
  refreshToken: 'cmVmcmVzaC10b2tlbg',
  device: 'anns-phone',
};

const RETURNED = 'eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo';

/** Everything that a service does with data that nobody should see. */
async function signUp({ letter }: FlowClient, db: Db): Promise<unknown> {
  const { mail, phone, password, refreshToken, device } = SECRETS;
  const sessions = [{ device, refreshToken }];
  if (letter !== 'A') {
    await users(db).updateOne({ mail }, { $push: { sessions: { $each: sessions } }, $set: { 'profile.phone': phone } });
    await users(db).findOneAndUpdate({ 'sessions.refreshToken': refreshToken }, [{ $set: { password } }], {
      upsert: false,
    });
    await users(db)
      .find({ $or: [{ mail: { $in: [mail] } }, { 'profile.phone': { $regex: '123456' } }] })
      .toArray();
    await users(db)
      .aggregate([{ $match: { mail } }, { $group: { _id: '$mail', tokens: { $push: '$sessions' } } }])
      .toArray();
    await users(db).distinct('mail');
    const user = await users(db).findOne({ mail });
    return letter === 'B' ? RETURNED : { ...user, token: RETURNED, list: [RETURNED] };
  }
  await users(db).insertOne({ _id: letter, mail, password, sessions, profile: { name: 'Ann', phone } });
  throw new Error(`${mail} has the password ${password} and the token ${refreshToken}`);
}

/** Everything that a program can print of a run. */
const shownOf = (result: RunResult<unknown>): string =>
  [formatRun(result), JSON.stringify(result.trace), ...result.endings].join('\n');

test('no value of a field that is not named, neither of commands nor of replies, results and errors', async () => {
  await using session = await interleave<unknown>({
    uri: set.uri,
    database,
    clients: 4,
    showFields: ['profile.name'],
    reset: async (db) => {
      await users(db).deleteMany({});
    },
    flow: async (client, db) => {
      if (client.letter === 'D') return users(db).insertOne({ _id: 'D', mail: SECRETS.mail });
      return signUp(client, db);
    },
    // The error of the server is passed on by `check`, as many do.
    check: (_db, outcomes) => {
      for (const outcome of outcomes) if (outcome.kind === 'threw') throw outcome.error;
    },
  });
  for (const token of ['v1:ABBBBBBCCCCCCD', 'v1:DABBBBBBCCCCCC']) {
    const result = await session.run(token);
    const shown = shownOf(result);
    for (const secret of [...Object.values(SECRETS), RETURNED]) expect(shown).not.toContain(secret);
    expect(result.outcomes.filter(({ kind }) => kind === 'threw')).not.toEqual([]);
    expect(shown).toContain('E11000 duplicate key: users one_mail { mail }');
  }
  expect(shownOf(await session.run('v1:ABBBBBBCCCCCCD'))).toContain('name: "Ann"');
});

test('the options that would show more are named once, and only if they are not used', async () => {
  const lastLineOf = async (
    options: { showFields?: string[]; showResults?: boolean },
    returned: unknown,
  ): Promise<string> => {
    await using session = await interleave({
      uri: set.uri,
      database,
      clients: 1,
      reset: async (db) => void (await pages(db).deleteMany({})),
      flow: async (_client, db) => {
        await pages(db).insertOne({ _id: 'p', count: 7, likes: [] });
        return returned;
      },
      check: () => undefined,
      ...options,
    });
    return (
      formatRun(await session.run('v1:A'))
        .split('\n')
        .at(-1) ?? ''
    );
  };
  const fields = 'values of fields (name them in showFields)';
  const results = 'results and errors (showResults: true)';
  expect(await lastLineOf({}, RETURNED)).toBe(`    not shown: ${fields}, ${results}`);
  expect(await lastLineOf({}, true)).toBe(`    not shown: ${fields}`);
  expect(await lastLineOf({ showFields: ['count'] }, RETURNED)).toBe(`    not shown: ${results}`);
  // Who names fields knows of the option, and leaves out the others on purpose.
  expect(await lastLineOf({ showFields: ['count'] }, 7)).toBe('    A returned 7');
  expect(await lastLineOf({ showResults: true }, RETURNED)).toBe(`    not shown: ${fields}`);
});
