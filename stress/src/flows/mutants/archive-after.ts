import { referenceFlow, type Replacement } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

export const archiveAfter: RotationMutant = {
  name: 'archive-after',
  about: 'the reference, but the failed key is copied to the archive after the commit: a crash before that loses it',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'openhands', callers: 2, faults: ['crash-after'] }],
  open: (db, pool, observer, surroundings) => {
    const retired = new Map<string, Replacement>();
    const archiveKeys: typeof referenceFlow.steps.archiveKeys = async (_transaction, replacements) => {
      for (const replacement of replacements) retired.set(replacement.rotation.rotationId, replacement);
    };
    const flow = openWithSteps({ archiveKeys })(db, pool, observer, surroundings);
    return {
      ...flow,
      call: async (...call) => {
        const answer = await flow.call(...call);
        const replacement = answer.kind === 'rotated' ? retired.get(answer.rotationId ?? '') : undefined;
        if (replacement === undefined) return answer;
        await using session = db.client.startSession({ causalConsistency: false });
        await referenceFlow.steps.archiveKeys({ db, pool, session }, [replacement]);
        return answer;
      },
    };
  },
};
