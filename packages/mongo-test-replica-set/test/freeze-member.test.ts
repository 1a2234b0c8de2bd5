import { readFileSync } from 'node:fs';
import { createDatabaseName, type Member, type ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLocalSet } from './local-set.ts';
import { runHost } from './run-host.ts';
import { mongodsOf, pidOf, processesWith, until } from './traces.ts';

let set: ReplicaSet;
let client: MongoClient;

beforeAll(async () => {
  set = await startLocalSet();
  client = new MongoClient(set.uri);
});
afterAll(async () => {
  await client.close();
  await set.stop();
});

/** `T`: stopped by a signal. */
const stateOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.slice(0, 1) ?? '';
const frozenOf = (owner: number): number[] => mongodsOf(owner).filter((pid) => stateOf(pid) === 'T');
/** A busy machine stops a process of many threads some milliseconds after the signal was sent. */
const oneFrozen = (owner: number): Promise<void> => until('one frozen', 5_000, () => frozenOf(owner).length === 1);

test('a frozen primary is replaced, and is a member again when it is thawed', async () => {
  const items = client.db(createDatabaseName('freeze')).collection<{ _id: string }>('items');
  await items.insertOne({ _id: 'before' }, { writeConcern: { w: 3 } });

  const frozen = await set.freezeMember('primary');
  await oneFrozen(process.pid);
  expect(mongodsOf(process.pid)).toHaveLength(3);
  await expect(set.freezeMember(frozen)).rejects.toMatchObject({ code: 'member-state' });
  await until('a successor', 30_000, async () => (await successorOf(frozen)) !== undefined);

  await set.thawMember(frozen);
  expect(frozenOf(process.pid)).toEqual([]);
  expect((await set.primary()).index).not.toBe(frozen.index);
  // With all three needed it only answers when the thawed member has caught up.
  await client
    .db(items.dbName)
    .collection<{ _id: string }>('items')
    .insertOne({ _id: 'after' }, { writeConcern: { w: 3, wtimeoutMS: 20_000 } });
  await expect(set.thawMember(frozen)).rejects.toMatchObject({ code: 'member-state' });
});

test('a frozen member is killed and restarted like any other', async () => {
  const [member] = set.members;
  if (member === undefined) throw new Error('an empty set');
  await set.freezeMember(member);
  await set.killMember(member);
  await expect(set.freezeMember(member)).rejects.toMatchObject({ code: 'member-state' });
  await set.restartMember(member);
  expect(frozenOf(process.pid)).toEqual([]);
  expect(mongodsOf(process.pid)).toHaveLength(3);
});

test(
  'a member that does not answer, though nobody has frozen it, is killed and comes back',
  { timeout: 90_000 },
  async () => {
    const [stuck] = set.members;
    if (stuck === undefined) throw new Error('a set without members');
    process.kill(await pidOf(stuck), 'SIGSTOP');
    expect(await set.bringBack()).toEqual([
      expect.stringMatching(
        new RegExp(`^${stuck.host}:${stuck.port} had to be killed: .* is not back after 30000 ms: `),
      ),
    ]);
    expect(frozenOf(process.pid)).toEqual([]);
    expect(await set.bringBack()).toEqual([]);
  },
);

test('kill -9 of the host: a frozen member ends too', async () => {
  await using host = runHost('host-program.ts', ['freezes', '1']);
  await host.printed('frozen');
  await oneFrozen(host.pid);
  const [pid] = frozenOf(host.pid);
  const guard = `\0${pid}\0${host.pid}\0`;
  expect(processesWith(guard)).toHaveLength(1);
  host.kill('SIGKILL');
  await host.ended();
  await until('mongods gone', 20_000, () => mongodsOf(host.pid).length === 0);
  await until('guards gone', 5_000, () => processesWith(guard).length === 0);
});

/** Who of the others calls itself primary. */
async function successorOf(frozen: Member): Promise<Member | undefined> {
  for (const member of set.members) {
    if (member.index === frozen.index) continue;
    await using direct = new MongoClient(`mongodb://${member.host}:${member.port}/?directConnection=true`);
    const { isWritablePrimary } = await direct.db('admin').command({ hello: 1 });
    if (isWritablePrimary === true) return member;
  }
  return undefined;
}
