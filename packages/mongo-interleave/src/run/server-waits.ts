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
