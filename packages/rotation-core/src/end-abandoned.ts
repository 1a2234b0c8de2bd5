import type { RotatorContext } from './context.ts';
import type { Try } from './rotation-queue.ts';

interface IdleSession {
  readonly lsid: { readonly id: unknown };
}

const MICROSECONDS_PER_MILLISECOND = 1_000;
/** Idle transactions ended in one go. */
const SESSIONS_MAX = 100;
/** The look for them may take this long. */
const LOOK_MAX_MS = 1_000;

/**
 * A client that dies inside a transaction leaves it open, and with it the key and the backup that it wrote: for 60 to 90 s by the
 * server's defaults. When a rotation has been held up long enough, this ends transactions of the same application that
 * have been idle that long. It needs no privilege beyond one's own sessions, and is always safe: nothing uncommitted is
 * lost that was not lost already, and a holder that was only slow gets a transient error and tries again.
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
  let lastLookAt = Number.NEGATIVE_INFINITY;

  return async (tries) => {
    const now = performance.now();
    const isHeldUp = tries.some(({ callers }) => callers.some(({ enqueuedAt }) => now - enqueuedAt >= idleMs));
    if (!isHeldUp || now - lastLookAt < idleMs) return;
    lastLookAt = now;
    try {
      const idle = await admin
        .aggregate<IdleSession>(
          [
            { $currentOp: { allUsers: false, idleSessions: true } },
            {
              $match: {
                type: 'idleSession',
                appName,
                'transaction.timeInactiveMicros': { $gte: idleMs * MICROSECONDS_PER_MILLISECOND },
              },
            },
            { $limit: SESSIONS_MAX },
            { $project: { lsid: 1 } },
          ],
          { maxTimeMS: LOOK_MAX_MS },
        )
        .toArray();
      if (idle.length === 0) return;
      await admin.command({ killSessions: idle.map(({ lsid }) => ({ id: lsid.id })) });
      emit({ type: 'abandoned-ended', pool: pool.name, transactions: idle.length });
    } catch {
      // Not allowed, or no primary just now. It is an extra: the server ends the transaction in its own time.
    }
  };
}
