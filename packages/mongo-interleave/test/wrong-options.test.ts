import { MongoClient, type Db } from 'mongodb';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';

/* What a caller can get wrong is told in one line: what, where, and what to do. The session can be used afterwards. */

const set = exploringSet();
const database = createTestDatabaseName('wrong');
const control = new MongoClient(set.uri);
const rowsOf = (db: Db) => db.collection<{ _id: string; n: number }>('rows');

const scenario: InterleaveOptions<string> = {
  uri: set.uri,
  database,
  clients: 2,
  reset: async (db) => {
    await rowsOf(db).deleteMany({});
    await rowsOf(db).insertOne({ _id: 'x', n: 0 });
  },
  flow: async ({ letter }, db) => {
    await rowsOf(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } });
    return letter;
  },
  check: () => undefined,
};

let session: InterleaveSession<string>;
beforeAll(async () => {
  await control.db(database).createCollection('rows');
  session = await interleave(scenario);
});
afterAll(async () => {
  await session.close();
  await control.close();
});

const oneLine = (code: string, message: RegExp) => {
  expect(message.source).not.toBe('');
  return expect.objectContaining({
    code,
    message: expect.stringMatching(new RegExp(`^(?=[^\\n]*$)(?=.*${message.source})`)),
  });
};

describe('calls of a session', () => {
  // Calls as a program without types makes them.
  const calls = (): Record<string, (...values: unknown[]) => Promise<unknown>> =>
    session as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;

  test.each<[string, readonly unknown[], string, RegExp]>([
    ['run', ['v1:ZZ'], 'invalid-token', /v1:ZZ.*client Z.*A, B/],
    ['run', ['v1:'], 'invalid-token', /v1:.*no step/],
    ['run', ['ABBA'], 'invalid-token', /"ABBA" is not a token.*v1:ABBA/],
    ['run', [], 'invalid-option', /run takes a token, a run or a schedule, not undefined/],
    ['run', [null], 'invalid-option', /run takes .*not null/],
    ['run', [5], 'invalid-option', /run takes .*not 5/],
    ['run', [{}], 'invalid-option', /run: clients must be a list/],
    ['run', [{ token: 5 }], 'invalid-token', /5 is not a token/],
    ['run', [{ token: 'v1:AB', trace: 5 }], 'invalid-option', /run: trace must be a list, not 5/],
    ['run', [{ clients: [0] }], 'invalid-option', /run: switches must be a list/],
    ['run', [{ clients: [], switches: [], faults: [] }], 'invalid-option', /run: clients .*at least one/],
    [
      'run',
      [{ clients: [2], switches: [], faults: [] }],
      'invalid-option',
      /run: each of clients .*from 0 to 1, not 2/,
    ],
    [
      'run',
      [{ clients: ['A'], switches: [], faults: [] }],
      'invalid-option',
      /run: each of clients .*from 0 to 1, not "A"/,
    ],
    [
      'run',
      [{ clients: [0], switches: [{ client: 0, after: -1, to: 1 }], faults: [] }],
      'invalid-option',
      /run: switches.*after.*from 0, not -1/,
    ],
    [
      'run',
      [{ clients: [0], switches: [], faults: [{ client: 0, after: 0, kind: 'nope' }] }],
      'invalid-option',
      /no fault "nope".*crash-after/,
    ],
    ['run', [{ clients: [0], switches: [], fault: [] }], 'invalid-option', /run has no option fault.*faults/],
    ['shrink', ['x'], 'invalid-token', /"x" is not a token/],
    ['shrink', ['v1:AZ'], 'invalid-token', /client Z/],
    ['shrink', [], 'invalid-token', /undefined is not a token/],
    ['shrink', ['v1:AB', null], 'invalid-option', /shrink takes an object of options, not null/],
    ['shrink', ['v1:AB', { maxRun: 5 }], 'invalid-option', /shrink has no option maxRun.*maxRuns/],
    ['shrink', ['v1:AB', { maxRuns: 'many' }], 'invalid-option', /shrink: maxRuns must be .*not "many"/],
    ['sample', [], 'invalid-option', /sample takes an object of options, not undefined/],
    ['sample', [{}], 'invalid-option', /sample: strategy must be one of random, urw, pct, pos, not undefined/],
    ['sample', [{ strategy: 'best' }], 'invalid-option', /sample: strategy .*not "best"/],
    ['sample', [{ strategy: 'urw', seeds: 5 }], 'invalid-option', /sample has no option seeds.*seed/],
    ['sample', [{ strategy: 'urw', onRun: 5 }], 'invalid-option', /sample: onRun must be a function, not 5/],
    ['sample', [{ strategy: 'urw', faults: { kinds: ['x'] } }], 'invalid-option', /no fault "x"/],
    ['sample', [{ strategy: 'urw', faults: {} }], 'invalid-option', /faults.kinds must be a list/],
    ['sample', [{ strategy: 'urw', seed: '5' }], 'invalid-option', /sample: seed must be .*not "5"/],
    ['grid', [{ kinds: ['nope'] }], 'invalid-option', /no fault "nope".*crash-after/],
    ['grid', [{ kinds: 'crash' }], 'invalid-option', /grid: kinds must be a list, not "crash"/],
    ['grid', [{ kind: ['crash'] }], 'invalid-option', /grid has no option kind.*kinds/],
    ['grid', [null], 'invalid-option', /grid takes an object of options, not null/],
    ['explore', [null], 'invalid-option', /explore takes an object of options, not null/],
    ['explore', [5], 'invalid-option', /explore takes an object of options, not 5/],
    ['explore', [{ maxRun: 5 }], 'invalid-option', /explore has no option maxRun.*maxRuns/],
    ['explore', [{ maxRuns: '5' }], 'invalid-option', /explore: maxRuns must be a number above 0, not "5"/],
    ['explore', [{ maxRuns: NaN }], 'invalid-option', /explore: maxRuns must be a number above 0, not NaN/],
    ['explore', [{ maxPreemptions: '1' }], 'invalid-option', /explore: maxPreemptions .*not "1"/],
    ['explore', [{ onClass: 'x' }], 'invalid-option', /explore: onClass must be a function, not "x"/],
    ['explore', [{ onProgress: {} }], 'invalid-option', /explore: onProgress must be a function/],
    ['explore', [{ twice: 'yes' }], 'invalid-option', /explore: twice must be true or false, not "yes"/],
    ['explore', [{ workers: '2' }], 'invalid-option', /explore: workers .*not "2"/],
    ['explore', [{ checkpointFile: 5 }], 'invalid-option', /explore: checkpointFile must be a text, not 5/],
    ['explore', [{ faults: {} }], 'invalid-option', /explore: faults.kinds must be a list, not undefined/],
    ['explore', [{ faults: { kind: ['crash'] } }], 'invalid-option', /explore: faults has no option kind.*kinds/],
    ['explore', [{ faults: 'crash' }], 'invalid-option', /explore: faults takes an object/],
    [
      'explore',
      [{ faults: { kinds: ['crash'], clients: [2] } }],
      'invalid-option',
      /faults.clients.*from 0 to 1, not 2/,
    ],
  ])('%s(%j): %s', async (call, given, code, message) => {
    await expect(calls()[call]?.(...given)).rejects.toThrow(oneLine(code, message));
    expect(await session.run('v1:AB')).toMatchObject({ verdict: { kind: 'valid' } });
  });
});

describe('interleave', () => {
  const open = (changes: Record<string, unknown>): Promise<unknown> => interleave({ ...scenario, ...changes });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ uri: 5 }, /uri must be a text, not 5/],
    [{ uri: 'localhost:27017' }, /uri: .*mongodb:\/\//],
    [{ database: '' }, /database must be a text/],
    [{ database: 'a b' }, /database.*"a b"/],
    [{ clients: 0 }, /clients must be an integer from 1 to 26, not 0/],
    [{ clients: '2' }, /clients .*not "2"/],
    [{ reset: undefined }, /reset must be a function, not undefined/],
    [{ prepare: 5 }, /prepare must be a function, not 5/],
    [{ onStep: 5 }, /onStep must be a function, not 5/],
    [{ maxStep: 5 }, /interleave has no option maxStep.*maxSteps/],
    [{ maxWaitMs: 0 }, /maxWaitMs must be a number above 0, not 0/],
    [{ clock: {} }, /clock.ticksMs must be a list, not undefined/],
    [{ clock: { ticksMs: [5], begin: 5 } }, /clock has no option begin/],
    [{ clock: { ticksMs: [0] } }, /ticksMs must be a number above 0, not 0/],
    [{ showFields: 'state' }, /showFields must be a list, not "state"/],
    [{ crashedTransactions: 'kill' }, /crashedTransactions must be one of end, leave, not "kill"/],
    [{ tokenFile: '/no/such/folder/token' }, /tokenFile.*\/no\/such\/folder/],
    [{ clientOptions: { tls: true } }, /clientOptions.*TLS/],
    [{ clientOptions: { auth: { username: 'a', password: 'b' } } }, /clientOptions.*authentication/],
    [{ clientOptions: { retryWrite: true } }, /clientOptions.*retrywrite/i],
  ])('%j', async (changes, message) => {
    await expect(open(changes)).rejects.toThrow(oneLine('invalid-option', message));
  });

  test.each([undefined, null, 5])('with %s', async (options) => {
    await expect(interleave(options as unknown as InterleaveOptions<string>)).rejects.toThrow(
      oneLine('invalid-option', /interleave takes an object of options, not/),
    );
  });

  describe('a server that does not answer is told within seconds', { timeout: 20_000 }, () => {
    const silent = createServer(() => undefined);
    let silentPort = 0;
    beforeAll(async () => {
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      silentPort = (silent.address() as AddressInfo).port;
    });
    afterAll(() => silent.close());

    test.each<[string, () => string, RegExp]>([
      ['a wrong port', () => 'mongodb://127.0.0.1:1/', /uri: .*127.0.0.1:1.*ECONNREFUSED/],
      ['one that is silent', () => `mongodb://127.0.0.1:${silentPort}/`, /uri: .*127.0.0.1/],
      ['another replica set', () => `${set.uri.replace(/\?.*/, '')}?replicaSet=other`, /uri: .*127.0.0.1/],
      ['TLS', () => `${set.uri}${set.uri.includes('?') ? '&' : '/?'}tls=true`, /TLS/],
    ])('%s', async (_what, uri, message) => {
      const startedMs = performance.now();
      await expect(open({ uri: uri() })).rejects.toThrow(oneLine('invalid-option', message));
      expect(performance.now() - startedMs).toBeLessThan(4_500);
    });

    test('or as the uri says', async () => {
      const startedMs = performance.now();
      await expect(open({ uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' })).rejects.toThrow(
        oneLine('invalid-option', /ECONNREFUSED/),
      );
      expect(performance.now() - startedMs).toBeLessThan(1_500);
    });
  });
});

test(
  'a database that a session of another process uses is refused, until that is closed',
  { timeout: 30_000 },
  async () => {
    const twin = createTestDatabaseName('twin');
    const source = new URL('../src/index.ts', import.meta.url).href;
    const program = `
    import { interleave } from ${JSON.stringify(source)};
    const nothing = async () => {};
    const [uri, database] = process.argv.slice(1);
    const session = await interleave({ uri, database, clients: 1, reset: nothing, flow: nothing, check: nothing });
    process.stdout.write('open');
    process.stdin.once('end', () => session.close()).resume();
  `;
    const other = spawn(process.execPath, ['--input-type=module', '-e', program, set.uri, twin]);
    const ended = once(other, 'exit');
    await once(other.stdout, 'data');
    const open = (): Promise<InterleaveSession<string>> => interleave({ ...scenario, database: twin });
    await expect(open()).rejects.toThrow(
      oneLine(
        'invalid-option',
        new RegExp(`a session of another process \\(${other.pid}\\) uses ${twin}\\. Give each process`),
      ),
    );
    other.stdin.end();
    await ended;
    // Several of one process may be open: their users decide when they call them.
    for (const one of [await open(), await open()]) await one.close();
    await control.db(twin).dropDatabase();
  },
);
