import { referenceFlow } from 'rotation-core/testing';
import type { Answer } from '../../model/rotation-types.ts';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

const open = openRotator(() => referenceFlow, { coalesce: true });

export const earlyAnswer: RotationMutant = {
  name: 'early-answer',
  about: 'the reference, but its coalescer answers all callers of a key when a backup is claimed, before the commit',
  expected: 'violated',
  breaks: ['I7'],
  depth: 1,
  storms: [{ scenario: 'chain', deployment: 'keypool' }],
  explorations: [{ scenario: 'chain', deployment: 'keypool', callers: 2 }],
  open: (db, pool, observer, surroundings) => {
    const waiting = new Map<string, ((answer: Answer) => void)[]>();
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
      call: (caller, call) => {
        if (call.op !== 'rotate') return flow.call(caller, call);
        const { keyId } = call;
        const { promise, resolve } = Promise.withResolvers<Answer>();
        waiting.set(keyId, [...(waiting.get(keyId) ?? []), resolve]);
        underWay.push(flow.call(caller, call).then(resolve));
        return promise;
      },
    };
  },
};
