import { readFile } from 'node:fs/promises';
import { openTestDatabase } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { createRotator, definePool, type Pool } from '../src/index.ts';
import { backup, backups, binding, key, readState, seed } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/*
 * A service whose collections have validators learns from the documentation which fields to allow: these are made of its table.
 */
const database = await openTestDatabase('what_rotations_write');
const { db } = database;
afterAll(() => database.close());

const PAGE = new URL('../../../docs/what-your-data-may-look-like.md', import.meta.url);

/** The fields in the table below "What is written", by the titles of the rows. */
async function readTable(): Promise<ReadonlyMap<string, readonly string[]>> {
  const [, section = ''] = (await readFile(PAGE, 'utf8')).split('What is written:\n\n');
  const [table = ''] = section.split('\n\n');
  const rows = table.split('\n').filter((line) => line.startsWith('| '));
  return new Map(
    rows.map((row) => {
      const [, title = '', fields = ''] = row.split('|');
      return [title.trim(), [...fields.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)];
    }),
  );
}

const SERVICE_FIELDS = {
  keys: ['_id', ...Object.keys(key('k'))],
  backups: ['_id', ...Object.keys(backup('b'))],
  bindings: ['_id', ...Object.keys(binding('p', 'k'))],
};
/** The rows about documents of each collection. */
const ROWS = { keys: /\bkey$/, backups: /\bbackup$/, bindings: /\bbinding$/ };

async function createValidated(): Promise<void> {
  const table = await readTable();
  for (const name of ['keys', 'backups', 'bindings'] as const) {
    const written = [...table].flatMap(([title, fields]) => (ROWS[name].test(title) ? fields : []));
    expect(written).not.toEqual([]);
    const properties = Object.fromEntries([...SERVICE_FIELDS[name], ...written].map((field) => [field, {}]));
    const validator = { $jsonSchema: { additionalProperties: false, properties } };
    await db.createCollection(name, { validator });
  }
}

const marksOf = (documents: readonly object[]): Set<string> => new Set(documents.flatMap((each) => Object.keys(each)));

test.each([deletingPool, keepingPool])(
  'a validator made of the table lets everything through ($name)',
  async (base) => {
    await db.dropDatabase();
    await createValidated();
    const pool: Pool = definePool({
      ...base,
      brake: { maxRotations: 3, perMs: 60_000 },
      usedBackup: { activated: true },
      movedBindingFields: ['createdAt'],
    });
    const rotator = createRotator(db, pool, {
      verify: ({ _id }) => (_id === 'b0' ? { kind: 'unusable', reason: 'revoked' } : { kind: 'usable' }),
    });
    await rotator.ensureIndexes();
    const written = new Set<string>();
    const note = async (): Promise<void> => {
      const { keys, backups: stock, bindings } = await readState(db, pool);
      for (const name of marksOf([...keys, ...stock, ...bindings])) written.add(name);
    };
    await seed(db, pool, { keys: [key('k1'), key('k2')], backups: [backup('b0')], bindings: [binding('p1', 'k1')] });

    // Refused, marked, and resting keys; a backup that is refused.
    for (const failure of [{ status: 401 }, { status: 429 }]) await rotator.handleFailure(key('k1'), failure);
    await rotator.handleFailure(key('k2'), { status: 402 });
    await note();
    await rotator.restoreBackup('b0');
    await db.collection('backups').deleteMany({});
    await db.collection<{ _id: string }>('backups').insertMany(backups(4));

    // Up to the bound of the brake.
    const first = asRotated(await rotator.rotate('k1'));
    await rotator.bind({ proxyId: 'p2', keyId: 'k1' });
    await note();
    const second = asRotated(await rotator.rotate(first.replacement));
    asRotated(await rotator.rotate(second.replacement));
    expect(await rotator.rotate('k2')).toMatchObject({ kind: 'held-back' });
    await db.collection('bindings').insertOne(binding('p3', 'k1'));
    expect(await rotator.sweep()).toEqual({ moved: 1, unresolved: [] });
    await note();
    await db.collection('keys').deleteMany({});
    expect(await rotator.restoreBackup(second.replacement)).toEqual({ kind: 'restored' });

    // The test has come to all of them.
    const KNOWN = ['setAsideAt', 'setAsideReason', 'cooldownUntil', 'lastError', 'usedIn', 'usedForIncarnation'];
    for (const name of [...KNOWN, 'rotationId', 'incarnation', 'predecessors', 'bindingSequence', 'brakeSequence'])
      expect(written).toContain(name);
  },
);
