import { readFile } from 'node:fs/promises';
import type { BackupDocument, BindingDocument } from 'keypool';
import { MongoClient } from 'mongodb';
import { childrenOf, CommandLine, isAlive, oneMemberSet, until } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BRAKE, pool } from './pool.ts';
import type { StoredKey } from './proxy.ts';
import { answerEverybody, countBy, failInFlight, REQUESTS, send, type Seen } from './scenes.ts';
import { BACKUPS, KEY_IDS, openStage, PROCESSES, proxyIdsOf, PROXY_NAMES, type Stage } from './stage.ts';

/* The scenes of `pnpm example`, judged by the database and by the upstream's own log; and the command itself. */

vi.setConfig({ testTimeout: 120_000 });

const FOLDER = 'examples/service/';
/** As stage.ts makes them up. */
const SECRET_PREFIX = 'made-up-';
const { signal } = new AbortController();

interface PoolState {
  readonly keys: ReadonlyMap<string, StoredKey>;
  readonly backups: readonly BackupDocument[];
  /** The key's id by the proxy id. */
  readonly bindings: Readonly<Record<string, unknown>>;
}

async function readState({ db }: Stage): Promise<PoolState> {
  const { keys, backups, bindings } = pool.collections;
  const bound = await db.collection<BindingDocument>(bindings).find().toArray();
  return {
    keys: new Map((await db.collection<StoredKey>(keys).find().toArray()).map((key) => [key._id, key])),
    backups: await db.collection<BackupDocument>(backups).find().toArray(),
    bindings: Object.fromEntries(bound.map((binding) => [binding.proxyId, binding[pool.bindingKeyField]])),
  };
}

/** As in `{ 'k1 401': 200 }`. */
const callsOf = ({ calls }: Seen): Record<string, number> =>
  countBy(calls, ({ keyId, status }) => `${keyId} ${status}`);
const answersOf = ({ answers }: Seen): Record<string, number> => countBy(answers, ({ status }) => status);
const usedIn = ({ backups }: PoolState): BackupDocument[] => backups.filter(({ isUsed }) => isUsed === true);

describe.each(PROXY_NAMES)('the proxy on %s', (proxy) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ uri: oneMemberSet().uri, proxy, output: 'ignore', signal });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test('runs in processes of its own', () => {
    expect(childrenOf(process.pid, `${FOLDER}proxy-on-${proxy}`)).toHaveLength(PROCESSES);
  });

  test.each([
    ['k1', 401],
    ['k2', 402],
  ])(
    '%s fails with %i under all requests in flight: one rotation, and every client is served',
    async (keyId, status) => {
      const before = await readState(stage);
      const seen = await failInFlight(stage, keyId, status);
      const after = await readState(stage);

      const claimed = usedIn(after).filter(({ usedFor }) => usedFor === keyId);
      expect(claimed).toHaveLength(1);
      const replacement = claimed[0]?._id ?? '';
      expect(usedIn(after)).toHaveLength(usedIn(before).length + 1);
      expect(callsOf(seen)).toEqual({ [`${keyId} ${status}`]: REQUESTS, [`${replacement} 200`]: REQUESTS });
      expect(answersOf(seen)).toEqual({ 200: REQUESTS });
      expect([...after.keys.keys()].toSorted()).toEqual(
        [...before.keys.keys()].map((id) => (id === keyId ? replacement : id)).toSorted(),
      );
      const moved = Object.fromEntries(proxyIdsOf(keyId).map((proxyId) => [proxyId, replacement]));
      expect(after.bindings).toEqual({ ...before.bindings, ...moved });
    },
  );

  test.each([
    ['k3', 429, 90],
    ['k4', 529, 60],
  ])('%s rests after %i: no rotation, and no call until then', async (keyId, status, seconds) => {
    const before = await readState(stage);
    const seen = await failInFlight(stage, keyId, status);
    expect(answersOf(seen)).toEqual({ [status]: REQUESTS });
    expect(callsOf(seen)).toEqual({ [`${keyId} ${status}`]: REQUESTS });
    for (const { retryAfter = 0 } of seen.answers) {
      expect(retryAfter).toBeGreaterThan(seconds - 30);
      expect(retryAfter).toBeLessThanOrEqual(seconds);
    }
    const next = await send(stage, [keyId]);
    expect(answersOf(next)).toEqual({ 429: REQUESTS });
    expect(next.calls).toEqual([]);
    const after = await readState(stage);
    expect(usedIn(after)).toEqual(usedIn(before));
    expect(after.bindings).toEqual(before.bindings);
    expect(after.keys.get(keyId)?.cooldownUntil).toBeInstanceOf(Date);
  });

  test('an upstream that gives no answer costs no key', async () => {
    const before = await readState(stage);
    const seen = await answerEverybody(stage, 'hang-up', ['k1', 'k2']);
    expect(answersOf(seen)).toEqual({ 502: REQUESTS });
    expect(await readState(stage)).toEqual(before);
  });

  test('an upstream that refuses every key costs what the brake allows, and no key is lost', async () => {
    const before = await readState(stage);
    const seen = await answerEverybody(stage, 401, ['k1', 'k2']);
    const after = await readState(stage);
    expect(answersOf(seen)).toEqual({ 401: REQUESTS });
    expect(usedIn(after)).toHaveLength(BRAKE.maxRotations);
    expect(after.backups.filter(({ isUsed }) => isUsed === false)).toHaveLength(BACKUPS - BRAKE.maxRotations);
    // The upstream was called with keys only, never with a backup that was still free.
    const claimed = new Set(usedIn(after).map(({ _id }) => _id));
    expect(seen.calls.filter(({ keyId, status }) => status !== 401 || !claimed.has(keyId))).toEqual([]);
    expect(after.keys.size).toBe(KEY_IDS.length);
    expect(Object.keys(after.bindings)).toEqual(Object.keys(before.bindings));
    for (const keyId of Object.values(after.bindings)) expect([...after.keys.keys()]).toContain(keyId);

    const next = await send(stage, ['k1', 'k2']);
    expect(answersOf(next)).toEqual({ 401: REQUESTS });
    for (const { retryAfter = 0 } of next.answers) {
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter * 1_000).toBeLessThanOrEqual(BRAKE.perMs);
    }
    expect(await readState(stage)).toEqual(after);

    const last = await answerEverybody(stage, null, ['k1', 'k2']);
    expect(answersOf(last)).toEqual({ 200: REQUESTS });
    expect(new Set(last.calls.map(({ keyId }) => keyId))).toEqual(
      new Set(['k1', 'k2'].flatMap(proxyIdsOf).map((proxyId) => after.bindings[proxyId])),
    );
    expect(await readState(stage)).toEqual(after);
  });
});

/** Which backup it is, in which process, how fast and when, differs from run to run. */
const withoutChance = (text: string): string =>
  text
    .replaceAll(/(?<=process )\d+/g, 'PID')
    .replaceAll(/\bb\d+\b/g, 'BACKUP')
    .replaceAll(/\d+(?= ms)/g, 'N')
    .replaceAll(/(?<=Retry-After: )\d+, at [\d:]+/g, 'N, at TIME');

describe('pnpm example', () => {
  const example = new CommandLine(`${FOLDER}show.ts`, 'EXAMPLE_');
  const environment = { MONGODB_URI: oneMemberSet().uri };

  let client: MongoClient;
  beforeAll(async () => {
    client = await new MongoClient(oneMemberSet().uri).connect();
  });
  afterAll(() => client.close());
  const databases = async (): Promise<string[]> => {
    const { databases: all } = await client.db().admin().listDatabases({ nameOnly: true });
    return all.map(({ name }) => name).filter((name) => name.startsWith('rotation_example_'));
  };

  test('says that everything held, on both, and prints no key', async () => {
    const { code, stdout, stderr } = await example.run([], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain(SECRET_PREFIX);
    expect(stdout.match(/(?<=^== The proxy on )\w+/gm)).toEqual(PROXY_NAMES);
    expect(stdout.match(/^ {4}process \d+: \w+ was replaced by b\d+$/gm)).toHaveLength(
      PROXY_NAMES.length * BRAKE.maxRotations,
    );
    expect(stdout).toMatch(/\nAll of this held\.\n$/);
    const page = await readFile(new URL('README.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/^```(\w*)\n(.*?)^```/gms)];
    const shown = blocks.flatMap(([, language, text = '']) => (language === '' ? [withoutChance(text)] : []));
    expect(shown).toHaveLength(2);
    for (const text of shown) expect(withoutChance(stdout)).toContain(text);
    expect(await databases()).toEqual([]);
  });

  const processesStart = (pid: number) => childrenOf(pid, FOLDER).length === PROCESSES + 1;
  const requestsRun = async () => {
    const [name] = await databases();
    return (await client.db(name).collection(pool.collections.backups).countDocuments({ isUsed: true })) > 0;
  };
  test.each([
    ['its processes start', 'SIGINT', processesStart],
    ['requests run', 'SIGTERM', requestsRun],
  ] as const)('leaves nothing behind when it is interrupted while %s', async (_when, name, condition) => {
    await using command = example.start([], environment);
    await until('the moment to interrupt it', 60_000, () => condition(command.pid));
    const children = childrenOf(command.pid, FOLDER);
    expect(children).toHaveLength(PROCESSES + 1);
    command.kill(name);
    expect(await command.ended()).toMatchObject({ code: 130, stderr: '' });
    expect(children.filter(isAlive)).toEqual([]);
    expect(await databases()).toEqual([]);
  });

  test('leaves no process behind when it is killed', async () => {
    await using command = example.start([], environment);
    await until('requests run', 60_000, requestsRun);
    const children = childrenOf(command.pid, FOLDER);
    command.kill('SIGKILL');
    await command.ended();
    await expect.poll(() => children.filter(isAlive), { timeout: 5_000 }).toEqual([]);
    for (const name of await databases()) await client.db(name).dropDatabase();
  });
});
