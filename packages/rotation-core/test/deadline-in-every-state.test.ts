import { setTimeout as sleep } from 'node:timers/promises';
import { startReplicaSet, type Member } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, RotationError, type CallOptions, type Rotator } from '../src/index.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { deletingPool as pool } from './support/pools.ts';
import { VERBS } from './support/verbs.ts';

/* Three members, in states in which no write gets a majority, or nothing is answered at all. No caller waits longer than it said. */
const set = await startReplicaSet();
const client = await new MongoClient(set.uri).connect();
const db = client.db('rotation_test');
afterAll(async () => {
  await client.close();
  await set.stop();
});

const DEADLINE_MS = 1_500;
/** What the answer may take on a busy machine, beyond the deadline. */
const MAX_LATE_MS = 1_000;
/** From the end of the state until a key is rotated: an election takes 2 to 4 s, and a frozen primary has to learn that it is none. */
const MAX_RECOVERY_MS = 15_000;
/** Calls under way when the state begins, and calls that come later. */
const WAVES = 3;
const WAVE_PAUSE_MS = 700;

type Verb = (rotator: Rotator, options: CallOptions, keyId: string) => Promise<unknown>;
const verbs: Readonly<Record<string, Verb>> = {
  ...VERBS,
  rotate: (rotator, options, keyId) => rotator.rotate(keyId, options),
  handleFailure: (rotator, options, keyId) => rotator.handleFailure(key(keyId), { status: 401 }, options),
  'handleFailure of a busy upstream': (rotator, options, keyId) =>
    rotator.handleFailure(key(keyId), { status: 429 }, options),
};

const secondaries = async (): Promise<Member[]> => {
  const { index } = await set.primary();
  return set.members.filter((member) => member.index !== index);
};
const freeze = async (members: readonly Member[]): Promise<void> => {
  for (const member of members) await set.freezeMember(member);
};
const thaw = async (members: readonly Member[]): Promise<void> => {
  for (const member of members) await set.thawMember(member);
};
const kill = async (members: readonly Member[]): Promise<void> => {
  await Promise.all(members.map((member) => set.killMember(member)));
};
const restart = async (members: readonly Member[]): Promise<void> => {
  await Promise.all(members.map((member) => set.restartMember(member)));
};

const STATES = [
  { name: 'the primary is frozen', meets: async () => [await set.primary()], begin: freeze, end: thaw },
  { name: 'both secondaries are frozen', meets: secondaries, begin: freeze, end: thaw },
  { name: 'all members are frozen', meets: async () => set.members, begin: freeze, end: thaw },
  { name: 'both secondaries are killed', meets: secondaries, begin: kill, end: restart },
  { name: 'all members are killed', meets: async () => set.members, begin: kill, end: restart },
];

// Red where a call waits for the database alone: up to 13.6 s with a frozen primary, and for ever in the other states.
describe.each(STATES)('$name', ({ meets, begin, end }) => {
  test('each verb answers by its deadline, and then all go on', { timeout: 60_000 }, async () => {
    const names = Object.keys(verbs);
    const keys = names.flatMap((_name, index) => Array.from({ length: WAVES }, (_, wave) => `k${index}-${wave}`));
    const rotator = createRotator(db, pool);
    await rotator.ensureIndexes();
    await seed(db, pool, {
      keys: [key('k1'), ...keys.map((id) => key(id))],
      backups: backups(2 * keys.length),
      bindings: keys.map((id) => binding(`p-${id}`, id)),
    });

    const members = await meets();
    const calls: Promise<{ verb: string; tookMs: number; code: unknown }>[] = [];
    const callAll = (wave: number): void => {
      for (const [index, [verb, call]] of Object.entries(verbs).entries()) {
        const begunAtMs = performance.now();
        const toResult = (value: unknown) => ({
          verb,
          tookMs: performance.now() - begunAtMs,
          code: value instanceof RotationError ? value.code : value instanceof Error ? value : 'answered',
        });
        calls.push(call(rotator, { deadlineMs: DEADLINE_MS }, `k${index}-${wave}`).then(toResult, toResult));
      }
    };
    callAll(0);
    await begin(members);
    try {
      for (let wave = 1; wave < WAVES; wave++) {
        await sleep(WAVE_PAUSE_MS);
        callAll(wave);
      }
      await Promise.all(calls);
    } finally {
      await end(members);
    }
    const results = await Promise.all(calls);
    const endedAtMs = performance.now();

    expect(results.filter(({ tookMs }) => tookMs > DEADLINE_MS + MAX_LATE_MS)).toEqual([]);
    expect(results.filter(({ code }) => code !== 'answered' && code !== 'database')).toEqual([]);
    const outcomes = await Promise.all(keys.map((id) => rotator.rotate(id, { deadlineMs: MAX_RECOVERY_MS })));
    expect(outcomes.filter(({ kind }) => kind !== 'rotated' && kind !== 'already-rotated')).toEqual([]);
    expect(performance.now() - endedAtMs).toBeLessThan(MAX_RECOVERY_MS);
    await rotator.sweep();
    const state = await readState(db, pool);
    expect(usedOf(state)).toHaveLength(keys.length);
    expect(state.bindings.every(({ keyId }) => state.keys.some(({ _id }) => _id === keyId))).toBe(true);
  });
});
