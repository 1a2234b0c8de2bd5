import { Readable } from 'node:stream';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createRotator,
  definePool,
  incarnationOf,
  type FailureOutcome,
  type KeyDocument,
  type Pool,
  type UpstreamFailure,
} from '../src/index.ts';
import { resolveTestingOptions } from '../src/options.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { handleFailure } from '../src/verbs/handle-failure.ts';
import { Turns } from '../src/queue/turns.ts';
import { backups, binding, key, readState, seed, SECRET_MARK } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { rejection } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';
import { untyped } from './support/untyped.ts';

const database = await openTestDatabase('handle_failure');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const DAY = 86_400_000;
/** In minutes. */
const A_DAY = 1_440;
const RATE_LIMITED: UpstreamFailure = { status: 429 };
const EXHAUSTED: UpstreamFailure = { status: 402 };
/** Of a key that is live in another incarnation than the one that was used. */
const otherThan = (live: string): FailureOutcome => ({
  kind: 'other-incarnation',
  keyId: 'k1',
  asked: incarnationOf(key('k1')),
  live,
});
const REFUSED: UpstreamFailure = { status: 401, body: { error: { message: 'No such key' } } };

/** What a service's documents can have besides the known fields. */
type Marked = KeyDocument & { cooldownUntil?: unknown; lastError?: string };
const readKey = async (id = 'k1'): Promise<Marked | null> => db.collection<Marked>('keys').findOne({ _id: id });
const serverNow = async (): Promise<number> => (await db.command({ hello: 1 }))['localTime'].getTime();
const kindsOf = (outcomes: readonly FailureOutcome[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(outcomes, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]));

/** How long it is from now until this time, by the server's clock, in minutes. */
const minutesUntil = async (until: unknown): Promise<number> =>
  until instanceof Date ? Math.round((until.getTime() - (await serverNow())) / 60_000) : Number.NaN;

/** Handles a failure of k1, with something done between the answer `no-backup` and the mark. */
function handleFailureWith(
  pool: Pool,
  failure: UpstreamFailure,
  between: () => Promise<void>,
  used: KeyDocument = key('k1'),
): Promise<FailureOutcome> {
  const context = {
    db,
    pool,
    settings: resolveTestingOptions({}),
    flow: referenceFlow,
    emit: () => {},
    turns: new Turns(),
  };
  const rotator = createRotator(db, pool);
  const rotate: typeof rotator.rotate = async (keyId, options) => {
    const outcome = await rotator.rotate(keyId, options);
    await between();
    return outcome;
  };
  return handleFailure(context, rotate, used, failure, {});
}

describe.each([deletingPool, keepingPool])('handleFailure ($name)', (pool) => {
  const rotator = createRotator(db, pool);
  const k1 = key('k1');
  beforeEach(() => seed(db, pool, { keys: [k1], bindings: [binding('p1', 'k1')] }));

  describe('nothing', () => {
    test.each([{ status: 200 }, { status: 400, body: 'no' }, { status: 500, body: 'billing' }])(
      '%j changes nothing',
      async (failure: UpstreamFailure) => {
        const before = await readState(db, pool);
        expect(await rotator.handleFailure(k1, failure)).toEqual({ kind: 'unaffected', keyId: 'k1' });
        expect(await readState(db, pool)).toEqual(before);
      },
    );
  });

  describe('what can not be read', () => {
    const body = '{"error":{"message":"invalid api key"}}';

    // Red where a Response counts as an answer: its body is a stream, in which no word is found, and no key is ever rotated.
    test.each<readonly [string, unknown, string]>([
      ['nothing', undefined, 'the failure to be an object with a status, got undefined'],
      ['null', null, 'the failure to be an object with a status, got Null'],
      ['a text', body, 'the failure to be an object with a status, got string'],
      ['no status', {}, 'status to be a number, got undefined'],
      ['a status in text', { status: '401' }, 'status to be a number, got string'],
      ['a Response', new Response(body, { status: 401 }), 'body to be text or parsed JSON'],
      ['a promise', { status: 401, body: Promise.resolve(body) }, 'got Promise'],
      ['a stream of Node', { status: 401, body: Readable.from([body]) }, 'body to be text or parsed JSON'],
      ['a Blob', { status: 401, body: new Blob([body]) }, 'got Blob'],
      ['an ArrayBuffer', { status: 401, body: new ArrayBuffer(8) }, 'got ArrayBuffer'],
      ['an Error', { status: 401, body: new Error('invalid api key') }, 'got Error'],
      ['a method', { status: 401, body: () => body }, 'got function'],
    ])('is refused in one line: %s', async (_title, failure, expected) => {
      const before = await readState(db, pool);
      const { message } = await rejection(rotator.handleFailure(k1, untyped(failure)), 'invalid-argument');
      expect(message).toContain(`Expected ${expected.startsWith('got') ? 'body' : expected}`);
      expect(message).toContain(expected);
      expect(message).not.toContain('\n');
      expect(await readState(db, pool)).toEqual(before);
    });

    test('text, bytes and all of JSON can be', async () => {
      for (const readable of [body, Buffer.from(body), JSON.parse(body), null, undefined, 7, true, [], {}] as unknown[])
        expect(await rotator.handleFailure(k1, { status: 500, body: readable })).toMatchObject({ kind: 'unaffected' });
    });
  });

  describe('a cool-down', () => {
    test('is written on the key, by the clock of the server, and nothing else is', async () => {
      const outcome = await rotator.handleFailure(k1, { ...RATE_LIMITED, headers: { 'Retry-After': '1800' } });
      expect(outcome).toMatchObject({ kind: 'cooling-down', keyId: 'k1' });
      const { cooldownUntil, ...rest } = (await readKey()) ?? {};
      expect(outcome).toMatchObject({ until: cooldownUntil });
      expect(await minutesUntil(cooldownUntil)).toBe(30);
      expect(rest).toEqual(k1);
    });

    test('only grows', async () => {
      const long = await rotator.handleFailure(k1, { ...RATE_LIMITED, retryAfter: '3600' });
      const short = await rotator.handleFailure(k1, { ...RATE_LIMITED, retryAfter: '1' });
      expect(short).toEqual(long);
      const longer = await rotator.handleFailure(k1, { ...RATE_LIMITED, retryAfter: '7200' });
      expect(await minutesUntil(longer.kind === 'cooling-down' && longer.until)).toBe(120);
    });

    test('of fifty callers at once ends with the longest', async () => {
      const seconds = Array.from({ length: 50 }, (_, index) => 60 + 60 * ((index * 37) % 50));
      const outcomes = await Promise.all(
        seconds.map((retryAfter) => rotator.handleFailure(k1, { ...RATE_LIMITED, retryAfter })),
      );
      expect(kindsOf(outcomes)).toEqual({ 'cooling-down': 50 });
      expect(await minutesUntil((await readKey())?.cooldownUntil)).toBe(50);
    });

    test.each<readonly [string, (hourLater: Date) => unknown, number]>([
      ['a number', (hourLater) => hourLater.getTime(), 60],
      ['a string', (hourLater) => hourLater.toISOString(), 60],
      ['null', () => null, 1],
      ['words', () => 'soon', 1],
      ['a time that has passed', () => new Date(0), 1],
    ])('that the service wrote as %s counts as what it is', async (_title, written, minutes) => {
      await seed(db, pool, { keys: [key('k1', { cooldownUntil: written(new Date(Date.now() + 3_600_000)) })] });
      await rotator.handleFailure(k1, RATE_LIMITED);
      expect(await minutesUntil((await readKey())?.cooldownUntil)).toBe(minutes);
    });

    test.each<readonly [string, Partial<KeyDocument> | undefined, FailureOutcome]>([
      ['removed', undefined, { kind: 'not-found', keyId: 'k1' }],
      ['put back as a new incarnation', { incarnation: 'new' }, otherThan('new')],
      ['put back with another createdAt', { createdAt: new Date(5) }, otherThan('created 1970-01-01T00:00:00.005Z')],
      ['kept as a replaced key', { replacedBy: 'b1' }, { kind: 'not-found', keyId: 'k1' }],
    ])('is not written on a key that was %s', async (_title, now, outcome) => {
      await seed(db, pool, { keys: now === undefined ? [] : [key('k1', now)] });
      const before = await readState(db, pool);
      expect(await rotator.handleFailure(k1, RATE_LIMITED)).toEqual(outcome);
      expect(await readState(db, pool)).toEqual(before);
    });

    test.each<readonly [string, object, object]>([
      ['from JSON', JSON.parse(JSON.stringify(key('k1'))), {}],
      [
        'from JSON, where the database has a string',
        JSON.parse(JSON.stringify(key('k1'))),
        { createdAt: key('k1').createdAt?.toISOString() },
      ],
      ['whose createdAt is a number in the database', key('k1'), { createdAt: key('k1').createdAt?.getTime() }],
    ])('is written for a key %s', async (_title, used, stored) => {
      await seed(db, pool, { keys: [key('k1', stored)] });
      await handleFailureWith(pool, RATE_LIMITED, async () => {}, untyped(used));
      expect(await minutesUntil((await readKey())?.cooldownUntil)).toBe(1);
    });

    test('of a key that was rotated leads to its successor', async () => {
      await seed(db, pool, { keys: [k1], backups: backups(1) });
      await rotator.rotate('k1');
      const before = await readState(db, pool);
      const expected = { kind: 'already-rotated', keyId: 'k1', replacement: 'b1' };
      expect(await rotator.handleFailure(k1, RATE_LIMITED)).toEqual(expected);
      expect(await readState(db, pool)).toEqual(before);
    });

    test('goes by the incarnation, for a key that a rotation installed', async () => {
      await seed(db, pool, { keys: [k1], backups: backups(1) });
      await rotator.rotate('k1');
      const b1 = (await readKey('b1')) ?? key('b1');
      expect(await rotator.handleFailure(b1, RATE_LIMITED)).toMatchObject({ kind: 'cooling-down', keyId: 'b1' });
    });
  });

  describe('a rotation', () => {
    test.each([
      [EXHAUSTED, 'exhausted'],
      [REFUSED, 'need_refresh'],
    ] as const)('is made as rotate makes it: %j', async (failure, status) => {
      const retired = pool === keepingPool ? { status, replacedBy: 'b1' } : {};
      await seed(db, pool, { keys: [k1], backups: backups(1), bindings: [binding('p1', 'k1')] });
      expect(await rotator.handleFailure(k1, failure)).toMatchObject({ kind: 'rotated', replacement: 'b1' });
      const { bindings } = await readState(db, pool);
      expect(bindings).toMatchObject([{ keyId: 'b1' }]);
      expect({ ...(await readKey()) }).toMatchObject(retired);
    });

    test('of fifty callers at once takes one backup', async () => {
      await seed(db, pool, { keys: [k1], backups: backups(50) });
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => rotator.handleFailure(k1, EXHAUSTED)));
      expect(kindsOf(outcomes)).toEqual({ rotated: 1, 'already-rotated': 49 });
    });

    test('leaves a key alone that was put back since', async () => {
      await seed(db, pool, { keys: [key('k1', { incarnation: 'new' })], backups: backups(1) });
      const before = await readState(db, pool);
      expect(await rotator.handleFailure(k1, EXHAUSTED)).toEqual(otherThan('new'));
      expect(await readState(db, pool)).toEqual(before);
    });
  });

  describe('a key without a backup', () => {
    test('that is exhausted is marked for a day, and its bindings stay', async () => {
      const before = await readState(db, pool);
      const outcome = await rotator.handleFailure(k1, EXHAUSTED);
      const { cooldownUntil, ...rest } = (await readKey()) ?? {};
      expect(outcome).toEqual({ kind: 'marked', keyId: 'k1', until: cooldownUntil });
      expect(await minutesUntil(cooldownUntil)).toBe(A_DAY);
      expect(rest).toEqual({ ...k1, status: 'exhausted' });
      expect((await readState(db, pool)).bindings).toEqual(before.bindings);
    });

    test("that is refused is marked with the upstream's text, and its bindings stay", async () => {
      const before = await readState(db, pool);
      const outcome = await rotator.handleFailure(k1, REFUSED);
      expect(outcome).toEqual({ kind: 'marked', keyId: 'k1', until: undefined });
      expect(await readKey()).toEqual({ ...k1, status: 'need_refresh', lastError: 'No such key' });
      expect((await readState(db, pool)).bindings).toEqual(before.bindings);
    });

    test.each([EXHAUSTED, REFUSED])('is marked once by fifty callers at once: %j', async (failure) => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          rotator.handleFailure(k1, failure === REFUSED ? { status: 401, body: `text ${index}` } : failure),
        ),
      );
      expect(kindsOf(outcomes)).toEqual({ marked: 1, 'already-marked': 49 });
      const untils = outcomes.map((outcome) => ('until' in outcome ? outcome.until?.getTime() : 0));
      expect(new Set(untils).size).toBe(1);
      const first = outcomes.findIndex(({ kind }) => kind === 'marked');
      expect((await readKey())?.lastError).toBe(failure === REFUSED ? `text ${first}` : undefined);
    });

    test('keeps the first mark while that is in force, whatever the second failure is', async () => {
      await rotator.handleFailure(k1, REFUSED);
      const marked = await readKey();
      expect(await rotator.handleFailure(k1, EXHAUSTED)).toMatchObject({ kind: 'already-marked', until: undefined });
      expect(await readKey()).toEqual(marked);
    });

    test('is marked again when its day is over', async () => {
      await seed(db, pool, { keys: [key('k1', { status: 'exhausted', cooldownUntil: new Date(Date.now() - 1_000) })] });
      expect(await rotator.handleFailure(k1, EXHAUSTED)).toMatchObject({ kind: 'marked' });
      expect(await minutesUntil((await readKey())?.cooldownUntil)).toBe(A_DAY);
    });

    test('keeps a longer cool-down', async () => {
      await seed(db, pool, { keys: [key('k1', { cooldownUntil: new Date(Date.now() + 3 * DAY) })] });
      expect(await rotator.handleFailure(k1, EXHAUSTED)).toMatchObject({ kind: 'marked' });
      expect(await minutesUntil((await readKey())?.cooldownUntil)).toBe(3 * A_DAY);
    });

    test('is rotated when stock comes', async () => {
      await rotator.handleFailure(k1, EXHAUSTED);
      await db.collection<{ _id: string }>('backups').insertMany(backups(1));
      expect(await rotator.handleFailure(k1, EXHAUSTED)).toMatchObject({ kind: 'rotated', replacement: 'b1' });
    });

    test.each([EXHAUSTED, REFUSED])('is not marked if another caller rotates it meanwhile: %j', async (failure) => {
      const outcome = await handleFailureWith(pool, failure, async () => {
        await db.collection<{ _id: string }>('backups').insertMany(backups(1));
        await rotator.rotate('k1');
      });
      expect(outcome).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b1' });
      const after = await readKey();
      expect({ ...after }).not.toHaveProperty('cooldownUntil');
      expect({ ...after }).not.toHaveProperty('lastError');
    });

    test.each([EXHAUSTED, REFUSED])('is not marked if it is put back meanwhile: %j', async (failure) => {
      const fresh = key('k1', { incarnation: 'new' });
      const outcome = await handleFailureWith(pool, failure, () => seed(db, pool, { keys: [fresh] }));
      expect(outcome).toEqual(otherThan('new'));
      expect(await readKey()).toEqual(fresh);
    });
  });

  describe('the text on a refused key', () => {
    const textAfter = async (body: unknown): Promise<string | undefined> => {
      await seed(db, pool, { keys: [k1] });
      const outcome = await rotator.handleFailure(k1, { status: 401, body });
      expect(outcome.kind).toBe('marked');
      expectNoSecret(outcome);
      return (await readKey())?.lastError;
    };

    test.each<readonly [string, unknown, string]>([
      ['of an error', { error: { code: 'c', message: 'Key  is\nwrong.' } }, 'Key is wrong.'],
      ['of a body in JSON', '{"error":{"message":"Key is wrong."}}', 'Key is wrong.'],
      ['of a body in text', 'Unauthorized', 'Unauthorized'],
      ['without a message', { error: { code: 'bad_key' } }, 'bad_key'],
      ['without a body', undefined, 'HTTP 401'],
      ['that looks like a field path', '$apiKey', '$apiKey'],
      ['that looks like an operator', { message: '$$ROOT' }, '$$ROOT'],
    ])('is the one %s', async (_title, body, text) => {
      expect(await textAfter(body)).toBe(text);
    });

    test.each<readonly [string, object, object]>([
      ['in another field', { credential: { value: 'Q7hfZk29LmXw' } }, {}],
      ['in another field, of which the caller read nothing', { credential: 'Q7hfZk29LmXw' }, { _id: 'k1' }],
      ['in apiKey, which the caller did not read', { apiKey: 'Q7hfZk29LmXw' }, { apiKey: undefined }],
      ['that only the caller has: it decrypted it', {}, { apiKey: 'Q7hfZk29LmXw' }],
    ])('has no credential %s', async (_title, stored, used) => {
      const document = key('k1', stored);
      await seed(db, pool, { keys: [document] });
      const { _id, createdAt } = document;
      const asUsed = '_id' in used ? { _id, createdAt } : { ...document, ...used };
      const body = { error: { message: 'The credential Q7hfZk29LmXw was refused' } };
      expect(await rotator.handleFailure(untyped(asUsed), { status: 401, body })).toMatchObject({ kind: 'marked' });
      expect((await readKey())?.lastError).toBe('The credential [redacted] was refused');
    });

    test('has 500 characters at most, and no half ones', async () => {
      expect(await textAfter('word '.repeat(200))).toHaveLength(500);
      expect(await textAfter(`${'a '.repeat(249)}a😀😀`)).toBe('a '.repeat(249) + 'a');
    });

    test('has no credential in it', async () => {
      for (const body of [
        `Incorrect API key provided: ${k1.apiKey}`,
        { error: { message: `Bearer ${SECRET_MARK}-other` } },
        `${'x '.repeat(245)}${k1.apiKey}`,
      ])
        expect(await textAfter(body)).not.toContain(SECRET_MARK);
    });
  });

  test.each([
    ['a key that is none', untyped(undefined)],
    ['an id that is an operator', untyped({ _id: { $ne: null } })],
    ['no id', untyped({})],
  ])('refuses %s', async (_title, bad) => {
    const error = await rejection(rotator.handleFailure(bad, EXHAUSTED), 'invalid-argument');
    expect(error.message).toContain('key._id');
  });

  test('refuses a deadline that is none, and a call that was aborted', async () => {
    await rejection(rotator.handleFailure(k1, RATE_LIMITED, { deadlineMs: 0 }), 'invalid-argument');
    await rejection(rotator.handleFailure(k1, RATE_LIMITED, { signal: AbortSignal.abort() }), 'aborted');
    expect(await readKey()).toEqual(k1);
  });
});

test('a cool-down and a rotation of one key at once: the key is replaced, and no retired key rests', async () => {
  const gate = createGate();
  const slow = createRotatorOf(flowWithBefore('moveBindings', gate.pass), db, keepingPool);
  const rotator = createRotator(db, keepingPool);
  await seed(db, keepingPool, { keys: [key('k1')], backups: backups(1) });
  const rotation = slow.handleFailure(key('k1'), EXHAUSTED);
  await gate.reached; // the key is retired inside the open transaction
  const coolDown = rotator.handleFailure(key('k1'), RATE_LIMITED);
  gate.open();
  expect(await rotation).toMatchObject({ kind: 'rotated', replacement: 'b1' });
  expect(await coolDown).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b1' });
  expect(await readKey()).not.toHaveProperty('cooldownUntil');
});

test('names and values are those of the pool', async () => {
  const pool = definePool({
    ...deletingPool,
    failures: {
      ...deletingPool.failures,
      marks: {
        coolDownField: 'restUntil',
        statusField: 'state',
        lastErrorField: 'why',
        statuses: { exhausted: 3, 'auth-error': 4 },
        exhaustedMs: 1_000,
      },
    },
  });
  const rotator = createRotator(db, pool);
  await seed(db, pool, { keys: [key('k1'), key('k2')] });
  expect(await rotator.handleFailure(key('k1'), EXHAUSTED)).toMatchObject({ kind: 'marked' });
  expect(await readKey()).toMatchObject({ status: 'healthy', state: 3, restUntil: expect.any(Date) });
  await rotator.handleFailure(key('k2'), REFUSED);
  expect(await readKey('k2')).toMatchObject({ status: 'healthy', state: 4, why: 'No such key' });
});
