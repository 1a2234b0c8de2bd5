import { referenceFlow } from 'rotation-core/parts';
import type { ToldOutcome } from '../../history.ts';
import { openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

const open = openRotator(() => referenceFlow, { coalesce: true });

export const earlyAnswer: KnownBadSubject = {
  name: 'early-answer',
  about: 'the reference, but its coalescer answers all callers of a key when a backup is claimed, before the commit',
  expected: 'violated',
  breaks: ['I7'],
  depth: 1,
  caughtBy: [{ scenario: 'chain', adapter: 'keypool' }],
  shownBy: { scenario: 'chain', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: (db, pool, observer, surroundings) => {
    const waiting = new Map<string, ((told: ToldOutcome) => void)[]>();
    const flow = open(
      db,
      pool,
      {
        claimed: (claim) => {
          observer.claimed(claim);
          const [first, ...others] = waiting.get(claim.keyId) ?? [];
          waiting.delete(claim.keyId);
          first?.({ kind: 'rotated', replacement: claim.backupId, rotationId: claim.rotationId ?? '' });
          for (const tell of others) tell({ kind: 'already-rotated', replacement: claim.backupId });
        },
        conflicted: () => observer.conflicted(),
        lostRace: () => observer.lostRace(),
      },
      surroundings,
    );
    const underWay: Promise<void>[] = [];
    return {
      ...flow,
      idle: () => Promise.all(underWay),
      rotate: (...call) => {
        const [, keyId] = call;
        const { promise, resolve } = Promise.withResolvers<ToldOutcome>();
        waiting.set(keyId, [...(waiting.get(keyId) ?? []), resolve]);
        underWay.push(flow.rotate(...call).then(resolve));
        return promise;
      },
    };
  },
};
