import { setTimeout as sleep } from 'node:timers/promises';
import type { Member, ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient, type Db, type Document } from 'mongodb';
import type { Violation } from '../system/violation.ts';
import { nameOf } from './fault-method.ts';

/* What must hold of the database after each fault, whatever the system: data agree everywhere, and nothing is left blocked. */

/** A killed member has to catch up; an election takes seconds. */
const MAX_WELL_MS = 60_000;
const MAX_ANSWER_MS = 5_000;
/** The server ends transactions that are older than its limit, 3 s in sets of the harness, and looks for them each half of it. */
const MAX_BLOCKED_MS = 10_000;
const POLL_MS = 50;

/**
 * Waits until a write of this client is on all members.
 *
 * @throws what the last try was answered, after 60 s
 */
export async function waitUntilWell({ members }: Pick<ReplicaSet, 'members'>, client: MongoClient): Promise<void> {
  const deadlineMs = performance.now() + MAX_WELL_MS;
  const writeConcern = { w: members.length, wtimeout: MAX_ANSWER_MS };
  for (;;) {
    try {
      await client.db('admin').command({ appendOplogNote: 1, data: { note: 'well' }, writeConcern });
      return;
    } catch (error) {
      if (performance.now() >= deadlineMs) throw error;
    }
    await sleep(POLL_MS);
  }
}

/**
 * Lets each member write its data down. By itself it does so once a minute, which one that is killed every few seconds does not live to see: each start
 * would have more of the log to apply than the one before, and each rollback go back further.
 */
export async function checkpoint({ members }: Pick<ReplicaSet, 'members'>): Promise<void> {
  await Promise.all(members.map((member) => onMember(member, (client) => client.db('admin').command({ fsync: 1 }))));
}

/** Needs all members well, and no call under way. */
export async function checkAftermath(
  { members }: Pick<ReplicaSet, 'members'>,
  db: Db,
  { maxBlockedMs = MAX_BLOCKED_MS }: { readonly maxBlockedMs?: number } = {},
): Promise<Violation[]> {
  // An open transaction would hold up the validation until its end.
  const open = await blocked(db, maxBlockedMs);
  if (open.length > 0) return open;
  const seen = await Promise.all(members.map((member) => look(member, db.databaseName)));
  return [...differences(seen), ...seen.flatMap(damages)];
}

interface Seen {
  readonly member: Member;
  /** By collection. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly validated: readonly Document[];
}

const look = (member: Member, database: string): Promise<Seen> =>
  onMember(member, async (client) => {
    const db = client.db(database);
    const { collections = {} } = await db.command({ dbHash: 1 });
    const hashes = collections as Record<string, string>;
    const validated: Document[] = [];
    for (const name of Object.keys(hashes)) validated.push(await db.command({ validate: name }));
    return { member, hashes, validated };
  });

async function onMember<R>({ host, port }: Member, ask: (client: MongoClient) => Promise<R>): Promise<R> {
  const uri = `mongodb://${host}:${port}/?directConnection=true`;
  await using client = new MongoClient(uri, { readPreference: 'secondaryPreferred' });
  return await ask(client);
}

function differences([first, ...others]: readonly Seen[]): Violation[] {
  if (first === undefined) return [];
  return others.flatMap(({ member, hashes }) => {
    const names = new Set([...Object.keys(first.hashes), ...Object.keys(hashes)]);
    const different = [...names].filter((name) => first.hashes[name] !== hashes[name]);
    if (different.length === 0) return [];
    const sentence = `${nameOf(first.member)} and ${nameOf(member)} have different documents in ${different.join(', ')}`;
    return [{ invariant: 'members-agree', sentence }];
  });
}

const damages = ({ member, validated }: Seen): Violation[] =>
  validated
    .filter(({ valid }) => valid !== true)
    .map(({ ns, errors }) => ({
      invariant: 'collections-valid',
      sentence: `${String(ns)} is not valid on ${nameOf(member)}: ${JSON.stringify(errors)}`,
    }));

/** Nobody calls any more, so whoever has a transaction open does not go on with it. */
async function blocked(db: Db, maxBlockedMs: number): Promise<Violation[]> {
  const admin = db.client.db('admin');
  const deadlineMs = performance.now() + maxBlockedMs;
  for (;;) {
    const open = await admin
      .aggregate([
        { $currentOp: { allUsers: true, idleSessions: true, localOps: true } },
        { $match: { 'transaction.parameters.autocommit': false } },
      ])
      .toArray();
    if (open.length === 0) return [];
    if (performance.now() >= deadlineMs)
      return [
        {
          invariant: 'nothing-blocked',
          sentence: `${open.length === 1 ? '1 transaction is' : `${open.length} transactions are`} open ${maxBlockedMs / 1_000} s after the last call, and nobody goes on with ${open.length === 1 ? 'it' : 'them'}`,
        },
      ];
    await sleep(POLL_MS);
  }
}
