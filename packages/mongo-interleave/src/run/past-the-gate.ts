import type { Document, MongoClient, Timestamp } from 'mongodb';
import { listOf } from '../footprint/known-fields.ts';
import { collectionNameOf, databaseOf, namespaceOf, targetOf } from '../footprint/namespace.ts';
import type { Fields } from '../gate/message.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ExecutedStep } from './execution.ts';

/** A moment in the log of all writes (oplog); undefined if the server keeps none. */
export type Moment = Timestamp | undefined;

/** Now, after every write that was acknowledged. */
export async function momentOf(control: MongoClient): Promise<Moment> {
  const { operationTime } = await control.db('admin').command({ ping: 1 });
  return operationTime as Moment;
}

/**
 * Looks in the oplog for writes of a run that did not come through the gate. Reads past the gate leave no trace there.
 *
 * @param others other databases that the flows use
 * @param since the moment when the run began
 * @returns `unscheduled` if there were more writes to these databases than the steps account for
 */
export async function writesPastGate(
  control: MongoClient,
  {
    database,
    others,
    since,
    steps,
  }: {
    readonly database: string;
    readonly others: ReadonlySet<string>;
    readonly since: Moment;
    readonly steps: readonly ExecutedStep[];
  },
): Promise<InterleaveError | undefined> {
  if (since === undefined) return undefined;
  const logged = await loggedSince(control, new Set([database, ...others]), since);
  const sent = writesOf(steps);
  for (const [namespace, count] of logged) {
    const more = count - (sent.get(namespace) ?? 0);
    if (more <= 0) continue;
    const collection = databaseOf(namespace) === database ? collectionNameOf(namespace) : namespace;
    return new InterleaveError(
      'unscheduled',
      `${more} of ${count} writes to "${collection}" came past the gate while the clients ran, so the schedule did not decide when. Does a flow use a client of its own? Connect it to client.uri and track it. If not: a TTL index, or another program with this database?`,
    );
  }
  return undefined;
}

/** How many documents were written, by namespace. */
async function loggedSince(
  control: MongoClient,
  databases: ReadonlySet<string>,
  since: Timestamp,
): Promise<Map<string, number>> {
  const entries = await control
    .db('local')
    .collection('oplog.rs')
    .find({ ts: { $gt: since }, op: { $in: ['i', 'u', 'd', 'c'] } }, { projection: { op: 1, ns: 1, o: 1 } })
    .toArray();
  const counts = new Map<string, number>();
  for (const { ns } of entries.flatMap(partsOf)) {
    const namespace = String(ns);
    if (isOfServer(namespace)) continue;
    if (!databases.has(databaseOf(namespace))) continue;
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return counts;
}

/** The writes of a transaction are one entry, with those that make its collections. */
const partsOf = (entry: Document): readonly Fields[] =>
  entry['op'] === 'c' ? listOf((entry['o'] as Fields)['applyOps']).filter(({ op }) => op !== 'c') : [entry];

/** Does the server itself name the collection? `$out` writes to `tmp.agg_out.…`, a view is in `system.views`. */
const isOfServer = (namespace: string): boolean => /^[^.]+\.(?:tmp|system)\./.test(namespace);

/** How many documents the steps may have written, by namespace: also those of transactions that were rolled back. */
function writesOf(steps: readonly ExecutedStep[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (namespace: string | undefined, count: number): void => {
    if (namespace !== undefined) counts.set(namespace, (counts.get(namespace) ?? 0) + count);
  };
  for (const { command, reply, footprint } of steps) {
    // Where a pipeline writes to, and how often, its reply does not tell.
    for (const stage of listOf(command['pipeline'])) add(targetOf(stage, command), Infinity);
    const isWrite = footprint.mayWrite || footprint.everything;
    if (reply !== undefined && isWrite) add(namespaceOf(command), changedBy(reply));
  }
  return counts;
}

/** At most so many documents. A command that failed may have changed some; an update that changed nothing is not logged. */
function changedBy({ n, nModified, upserted, ok, lastErrorObject }: Fields): number {
  if (ok !== 1) return Infinity;
  if (typeof nModified === 'number') return nModified + listOf(upserted).length;
  const count = n ?? (lastErrorObject as Fields | undefined)?.['n'];
  return typeof count === 'number' ? count : 0;
}
