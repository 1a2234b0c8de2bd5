import type { Binary, Db } from 'mongodb';
import type { PendingRotation } from '../queue/pending-rotation.ts';
import type { RotatorContext } from './context.ts';
import { summarize } from './database-error.ts';
import { isUnreachable } from './driver-error.ts';
import { openAdminDb } from './own-db.ts';
import { putBackSession, sessionIdsOf, takeSession, type SessionIds } from './rotation-sessions.ts';

interface IdleTransaction {
  readonly lsid: { readonly id: Binary };
  readonly transaction: { readonly parameters: { readonly txnNumber: number }; readonly timeActiveMicros: number };
}

/** What the polls so far have seen of a transaction. */
interface Observation {
  /** The server's `timeActiveMicros`. */
  readonly activeMicros: number;
  /** When a poll first saw this value, by `performance.now()`. */
  readonly unchangedSinceAt: number;
}

/** Polls in the time after which a transaction is ended, so that it is ended soon after that time. */
const POLLS_PER_IDLE_TIME = 4;
/** At most this many idle transactions are seen, and ended, by one poll; the longest open come first. */
const MAX_SESSIONS = 100;
/** Time limit of a poll on the server. */
const MAX_POLL_MS = 1_000;

/**
 * Ends transactions that dead clients left open. Such a transaction keeps the key and the backup that it wrote locked for 60 to
 * 90 s by the server's defaults. While a rotation is held up, the idle transactions of rotators on the same database are polled,
 * and those that were idle in all polls of the last `endAbandonedAfterMs` are ended. Their sessions are known by their ids, so
 * that no other transaction of the service is.
 *
 * This needs no privilege beyond one's own sessions, and is always safe: only what is uncommitted is undone, and a client that
 * was only slow gets a transient error and tries again.
 *
 * One poll is not enough. The server's `timeInactiveMicros` adds up all pauses of a transaction, so that a long transaction that
 * is at work would look idle, and two processes could end each other's for ever. `timeActiveMicros` stands still only while the
 * client sends nothing, but that takes two polls to see.
 */
export function createAbandonedEnder({
  db,
  pool,
  settings,
  emit,
}: RotatorContext): (group: readonly PendingRotation[]) => Promise<void> {
  const idleMs = settings.endAbandonedAfterMs;
  if (idleMs === false) return async () => {};
  const admin = openAdminDb(db);
  const pauseMs = idleMs / POLLS_PER_IDLE_TIME;
  const reported = new Set<string>();
  const report = (error: string): void => {
    if (!reported.has(error)) emit({ type: 'abandoned-unseen', pool: pool.name, error });
    reported.add(error);
  };
  let lastPollAt = Number.NEGATIVE_INFINITY;
  let observations = new Map<string, Observation>();

  return async (group) => {
    const now = performance.now();
    const isHeldUp = group.some(({ callers }) => callers.some(({ enqueuedAt }) => now - enqueuedAt >= pauseMs));
    if (!isHeldUp || now - lastPollAt < pauseMs) return;
    lastPollAt = now;
    const ids = await readSessionIds(db);
    if (ids === undefined) {
      report('this version of the driver does not let sessions be named');
      return;
    }
    try {
      const found = new Map<string, Observation>();
      const abandoned = (await readIdleTransactions(admin, ids)).filter(({ lsid, transaction }) => {
        const name = `${lsid.id.toString('hex')} ${String(transaction.parameters.txnNumber)}`;
        const activeMicros = transaction.timeActiveMicros;
        const earlier = observations.get(name);
        const observation = earlier?.activeMicros === activeMicros ? earlier : { activeMicros, unchangedSinceAt: now };
        found.set(name, observation);
        return now - observation.unchangedSinceAt >= idleMs;
      });
      observations = found;
      if (abandoned.length === 0) return;
      await admin.command({ killSessions: abandoned.map(({ lsid }) => ({ id: lsid.id })) });
      emit({ type: 'abandoned-ended', pool: pool.name, transactions: abandoned.length });
    } catch (error) {
      // The rotation does not depend on it: the server ends the transaction in its own time.
      if (!isUnreachable(error)) report(summarize(error));
    }
  };
}

const readIdleTransactions = (admin: Db, { first, last }: SessionIds): Promise<IdleTransaction[]> =>
  admin
    .aggregate<IdleTransaction>(
      [
        { $currentOp: { allUsers: false, idleSessions: true } },
        {
          $match: {
            type: 'idleSession',
            'lsid.id': { $gte: first, $lte: last },
            'transaction.timeActiveMicros': { $exists: true },
          },
        },
        { $sort: { 'transaction.timeOpenMicros': -1 } },
        { $limit: MAX_SESSIONS },
        { $project: { lsid: 1, transaction: 1 } },
      ],
      { maxTimeMS: MAX_POLL_MS },
    )
    .toArray();

async function readSessionIds(db: Db): Promise<SessionIds | undefined> {
  const session = takeSession(db);
  const ids = sessionIdsOf(db, session);
  await putBackSession(db, session);
  return ids;
}
