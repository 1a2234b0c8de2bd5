import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';

const RECHECK_PAUSE_MS = 20;

/**
 * Waits until the server has ended the transactions of these sessions.
 *
 * @throws InterleaveError `watchdog` after `maxWaitMs`
 */
export async function waitForServerCleanup(
  control: MongoClient,
  sessions: readonly unknown[],
  maxWaitMs: number,
): Promise<void> {
  const giveUpAtMs = performance.now() + maxWaitMs;
  while (performance.now() < giveUpAtMs) {
    const open = await control
      .db('admin')
      .aggregate([
        { $currentOp: { allUsers: true, idleSessions: true } },
        { $match: { transaction: { $exists: true }, $or: sessions.map((id) => ({ 'lsid.id': idOf(id) })) } },
      ])
      .toArray();
    if (open.length === 0) return;
    await sleep(RECHECK_PAUSE_MS);
  }
  throw new InterleaveError(
    'watchdog',
    `The server did not end the transaction of a crashed client within ${maxWaitMs} ms (maxWaitMs). It does so after transactionLifetimeLimitSeconds.`,
  );
}

/**
 * Ends the commands and the open transactions of these clients in the server, and waits until they are over.
 *
 * @param appNames as the clients told the server
 * @throws InterleaveError `watchdog` after `maxWaitMs`
 */
export async function endWorkOf(control: MongoClient, appNames: readonly string[], maxWaitMs: number): Promise<void> {
  const admin = control.db('admin');
  const giveUpAtMs = performance.now() + maxWaitMs;
  while (performance.now() < giveUpAtMs) {
    const found = await admin
      .aggregate([
        { $currentOp: { allUsers: true, idleSessions: true } },
        // `hello` waits for news of the server, for as long as its connection is open.
        { $match: { appName: { $in: appNames }, 'command.hello': { $exists: false }, ...IN_PROGRESS } },
      ])
      .toArray();
    if (found.length === 0) return;
    const sessions = found.flatMap(({ lsid, transaction }) => (transaction === undefined ? [] : [{ id: idOf(lsid) }]));
    if (sessions.length > 0) await admin.command({ killSessions: sessions });
    for (const { opid } of found) if (opid !== undefined) await admin.command({ killOp: 1, op: opid });
    await sleep(RECHECK_PAUSE_MS);
  }
  throw new InterleaveError('watchdog', `The server did not end the commands of a client within ${maxWaitMs} ms.`);
}

const IN_PROGRESS = {
  $or: [{ active: true, op: { $ne: 'none' } }, { transaction: { $exists: true } }],
};

const idOf = (session: unknown): unknown => (session as { readonly id?: unknown }).id;

/**
 * Asks the server what this client's current command waits for.
 *
 * @returns undefined if the command waits for nothing: it is only slow
 */
export async function whatItWaitsFor(control: MongoClient, appName: string): Promise<string | undefined> {
  const waiting = { $or: [{ writeConflicts: { $gt: 0 } }, { waitingForLock: true }] };
  const [found] = await control
    .db('admin')
    .aggregate([{ $currentOp: { allUsers: true } }, { $match: { appName, active: true, ...waiting } }])
    .toArray();
  if (found === undefined) return undefined;
  return found['waitingForLock'] === true
    ? 'another operation holds the lock that the command needs'
    : `${String(found['writeConflicts'])} write conflicts so far with an open transaction`;
}
