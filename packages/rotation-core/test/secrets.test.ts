import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Document } from 'mongodb';
import {
  createRotator,
  definePool,
  type RotationEvent,
  type RotationOutcome,
  type Rotator,
  type RotatorOptions,
} from '../src/index.ts';
import {
  backup,
  backups,
  binding,
  claimedBefore,
  key,
  readState,
  seed,
  SECRET_MARK,
  type PoolDocuments,
} from './support/documents.ts';
import { rejection } from './support/outcomes.ts';
import { archivingPool, deletingPool, keepingPool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';

const database = await openTestDatabase('secrets');
const { db } = database;
await createRotator(db, archivingPool).ensureIndexes();
afterAll(() => database.close());

test.each([
  ['a cause', new Error('outer', { cause: Object.assign(new Error('inner'), { op: { apiKey: SECRET_MARK } }) })],
  ['an aggregate', new AggregateError([new Error(SECRET_MARK)])],
  ['a hidden property', Object.defineProperty({}, 'x', { value: SECRET_MARK })],
  [
    'a hidden property below a hidden property',
    Object.defineProperty({}, 'x', { value: { y: new Map([['z', SECRET_MARK]]) } }),
  ],
  ['a symbol', { [Symbol('result')]: { ops: [{ apiKey: SECRET_MARK }] } }],
  ['a depth', [{ a: { b: { c: { d: { e: [SECRET_MARK] } } } } }]],
  ['a map', new Map([['host', new Set([{ error: SECRET_MARK }])]])],
  ['bytes', { raw: Buffer.from(`{ apiKey: ${SECRET_MARK} }`) }],
  ['a name', { [SECRET_MARK]: 1 }],
])('the search itself finds a secret in %s', (_title, value) => {
  expect(() => expectNoSecret(value)).toThrow(SECRET_MARK);
  expect(() => expectNoSecret({ kind: 'rotated' })).not.toThrow();
});

test.each([deletingPool, archivingPool, keepingPool])(
  'no outcome and no event has an apiKey in it ($name)',
  async (pool) => {
    const events: RotationEvent[] = [];
    const rotator = createRotator(db, pool, { onEvent: (event) => events.push(event) });
    await seed(db, pool, {
      keys: [key('k1'), key('k2'), key('k3')],
      backups: backups(2),
      bindings: [binding('p1', 'k1')],
    });
    const rounds: RotationOutcome[][] = [];
    for (let round = 0; round < 2; round++)
      rounds.push(await Promise.all(['k1', 'k1', 'k2', 'k3', 'k4'].map((id) => rotator.rotate(id))));
    const kinds = new Set(rounds.flat().map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['rotated', 'already-rotated', 'no-backup', 'not-found']));
    expectNoSecret(rounds);
    expectNoSecret(events);
    expectNoSecret(await rotator.bind({ proxyId: 'p2', keyId: 'k1' }));
    expectNoSecret(await rotator.sweep());
    expectNoSecret(await rotator.restoreBackup('b1'));
  },
);

/** What makes the server answer with an error about a document, and what the error must name all the same. */
const refusals: Readonly<Record<string, Refusal>> = {
  'a double claim': {
    keys: [key('k1')],
    backups: [backup('b1'), claimedBefore(key('k1'))],
    named: ['DuplicateKey (11000)', '"k1"', 'backups'],
  },
  'a key that fails validation': {
    keys: [key('k1')],
    backups: [backup('b1', { refused: true })],
    validated: 'keys',
    named: ['bulkWrite on keys (installKeys)', 'DocumentValidationFailure (121)'],
  },
  'a copy in the archive that fails validation': {
    keys: [key('k1', { refused: true })],
    backups: [backup('b1')],
    validated: 'archive',
    named: ['bulkWrite on archive (archiveKeys)', 'DocumentValidationFailure (121)'],
  },
  'a claim that fails validation': {
    keys: [key('k1')],
    backups: [backup('b1', { refused: true })],
    validated: 'backups',
    named: ['bulkWrite on backups (claimBackups)', 'DocumentValidationFailure (121)'],
  },
};

interface Refusal extends PoolDocuments {
  /** The collection whose validator refuses documents with `refused`. */
  readonly validated?: string;
  readonly named: readonly string[];
}

// Red where toRotationError keeps a server's error as the cause: a failed validation carries the whole document.
describe.each(Object.entries(refusals))('%s', (_title, { validated, named, ...documents }) => {
  test('throws an error that names the place and the remedy, and no apiKey', async () => {
    await seed(db, archivingPool, documents);
    const unlessRefused = { $or: [{ isUsed: false }, { refused: { $ne: true } }] };
    if (validated !== undefined) await db.command({ collMod: validated, validator: unlessRefused });
    const events: RotationEvent[] = [];
    try {
      const rotator = createRotator(db, archivingPool, { onEvent: (event) => events.push(event) });
      const error = await rejection(rotator.rotate('k1'), validated === undefined ? 'inconsistent' : 'database');
      expect(error.rotationId).toBeUndefined();
      for (const text of ['rotate k1', 'The rotation was undone.', ...named]) expect(error.message).toContain(text);
      expectNoSecret(error);
      expectNoSecret(events);
    } finally {
      if (validated !== undefined) await db.command({ collMod: validated, validator: {} });
    }
  });
});

// Red where an event or an error names an id as it is.
describe('ids that are the secrets themselves', () => {
  const pool = definePool({ ...archivingPool, secretIds: true });
  const secretOf = (name: string): string => `${SECRET_MARK}-${name}`;
  const events: RotationEvent[] = [];
  beforeEach(() => {
    events.length = 0;
  });
  const open = (options: RotatorOptions = {}): Rotator =>
    createRotator(db, pool, { onEvent: (event) => events.push(event), ...options });

  test('no event has one, and the ids of one key are told alike', async () => {
    const verify = ({ _id }: { readonly _id: string }) =>
      _id === secretOf('b1')
        ? ({ kind: 'unusable', reason: `${_id.slice(3)} is revoked` } as const)
        : ({ kind: 'usable' } as const);
    const rotator = open({ verify, lowStockThreshold: 200 });
    await seed(db, pool, {
      keys: ['k1', 'k2'].map((name) => key(secretOf(name))),
      backups: ['b1', 'b2', 'b3'].map((name) => backup(secretOf(name))),
    });
    for (const name of ['k1', 'k2', 'b2', 'b3', 'k9']) await rotator.rotate(secretOf(name));
    const types = new Set(events.map(({ type }) => type));
    expect(types).toEqual(new Set(['claimed', 'rotated', 'no-backup', 'low-stock', 'not-found', 'backup-set-aside']));
    expectNoSecret(events);
    const claimed = events.find((event) => event.type === 'claimed');
    const rotated = events.find((event) => event.type === 'rotated');
    expect(claimed?.keyId).toMatch(/^[0-9a-f]{12}$/);
    expect(rotated?.keyId).toBe(claimed?.keyId);
    expectNoSecret(
      (await readState(db, pool)).backups.map(({ setAsideReason }: Document) => setAsideReason as unknown),
    );
  });

  test('no error has one', async () => {
    const failed = key(secretOf('k1'));
    await seed(db, pool, {
      keys: [failed],
      backups: [backup(secretOf('b1')), { ...claimedBefore(failed), _id: secretOf('b0') }],
    });
    const error = await rejection(open().rotate(failed._id), 'inconsistent');
    expect(error.message).toContain('DuplicateKey (11000)');
    expectNoSecret(error);
    const aborted = new AbortController();
    const call = open().rotate(failed._id, { signal: aborted.signal });
    aborted.abort();
    expectNoSecret(await rejection(call, 'aborted'));
    expectNoSecret(await rejection(open().rotate(secretOf('k1'.repeat(1_000))), 'invalid-argument'));
    expectNoSecret(events);
  });

  test('nor has what is written about the failure', async () => {
    await seed(db, pool, { keys: [key(secretOf('k1'))] });
    const body = { error: { message: `Incorrect API key provided: ${secretOf('k1')}` } };
    await open().handleFailure(key(secretOf('k1')), { status: 401, body });
    const [{ lastError = '' } = {}] = (await readState(db, pool)).keys.map((each: Document) => each);
    expect(lastError).toContain('Incorrect API key');
    expectNoSecret(lastError);
  });
});

test('no error of bind has a field of the binding in it', async () => {
  await seed(db, archivingPool, { keys: [key('k1')] });
  await db.command({ collMod: 'bindings', validator: { token: { $exists: false } } });
  try {
    const request = { proxyId: 'p1', keyId: 'k1', fields: { token: SECRET_MARK } };
    const error = await rejection(createRotator(db, archivingPool).bind(request), 'database');
    expect(error.message).toMatch(
      /^bind: .*insertOne on bindings: DocumentValidationFailure \(121\)\. .*\. Nothing was changed\.$/,
    );
    expectNoSecret(error);
  } finally {
    await db.command({ collMod: 'bindings', validator: {} });
  }
});
