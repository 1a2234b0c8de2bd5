import type { Binary } from 'mongodb';
import type { RotatorContext } from './context.ts';
import type { Try } from './rotation-queue.ts';

interface IdleTransaction {
  readonly lsid: { readonly id: Binary };
  readonly transaction: { readonly parameters: { readonly txnNumber: number }; readonly timeActiveMicros: number };
}

/** What an earlier look found of a transaction. */
interface Sighting {
  readonly activeMicros: number;
  /** By `performance.now()`: since when it has been seen at this. */
  readonly sinceAt: number;
}

/** Looks in the time after which a transaction is ended, so that it is noticed soon after. */
const LOOKS = 4;
/** Idle transactions looked at, and ended, in one go; the oldest come first. */
const SESSIONS_MAX = 100;
/** One look may take this long. */
const LOOK_MAX_MS = 1_000;

/**
 * A client that dies inside a transaction leaves it open, and with it the key and the backup that it wrote: for 60 to 90 s by the
 * server's defaults. While a rotation is held up, this looks for transactions of the same application, and ends those that no
 * look for that long has seen at work. It needs no privilege beyond one's own sessions, and is always safe: nothing uncommitted
 * is lost that was not lost already, and a holder that was only slow gets a transient error and tries again.
 *
 * One look is not enough: the server's `timeInactiveMicros` adds up all pauses of a transaction, so a busy one that is merely long
 * would look idle, and two processes could end each other's for ever. `timeActiveMicros` stands still only while nothing is sent.
 */
export function createAbandonedEnder({
  db,
  pool,
  settings,
  emit,
}: RotatorContext): (tries: readonly Try[]) => Promise<void> {
  const idleMs = settings.endAbandonedAfterMs;
  const { appName } = db.client.options;
  if (idleMs === false || appName === undefined) return async () => {};
  const admin = db.client.db('admin');
  const pauseMs = idleMs / LOOKS;
  let lastLookAt = Number.NEGATIVE_INFINITY;
  let sightings = new Map<string, Sighting>();

  return async (tries) => {
    const now = performance.now();
    const isHeldUp = tries.some(({ callers }) => callers.some(({ enqueuedAt }) => now - enqueuedAt >= pauseMs));
    if (!isHeldUp || now - lastLookAt < pauseMs) return;
    lastLookAt = now;
    try {
      const idle = await admin
        .aggregate<IdleTransaction>(
          [
            { $currentOp: { allUsers: false, idleSessions: true } },
            { $match: { type: 'idleSession', appName, 'transaction.timeActiveMicros': { $exists: true } } },
            { $sort: { 'transaction.timeOpenMicros': -1 } },
            { $limit: SESSIONS_MAX },
            { $project: { lsid: 1, transaction: 1 } },
          ],
          { maxTimeMS: LOOK_MAX_MS },
        )
        .toArray();
      const found = new Map<string, Sighting>();
      const abandoned = idle.filter(({ lsid, transaction: { parameters, timeActiveMicros } }) => {
        const name = `${lsid.id.toString('hex')} ${String(parameters.txnNumber)}`;
        const earlier = sightings.get(name);
        const isUnchanged = earlier?.activeMicros === timeActiveMicros;
        const sighting = isUnchanged ? earlier : { activeMicros: timeActiveMicros, sinceAt: now };
        found.set(name, sighting);
        return now - sighting.sinceAt >= idleMs;
      });
      sightings = found;
      if (abandoned.length === 0) return;
      await admin.command({ killSessions: abandoned.map(({ lsid }) => ({ id: lsid.id })) });
      emit({ type: 'abandoned-ended', pool: pool.name, transactions: abandoned.length });
    } catch {
      // Not allowed, or no primary just now. It is an extra: the server ends the transaction in its own time.
    }
  };
}
