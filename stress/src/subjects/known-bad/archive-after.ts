import { referenceFlow, type Replacement } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithSteps } from './broken-reference.ts';

export const archiveAfter: KnownBadSubject = {
  name: 'archive-after',
  about: 'the reference, but the failed key is copied to the archive after the commit: a crash before that loses it',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'openhands', callers: 2, mode: 'crash' },
  open: (db, pool, observer, surroundings) => {
    const retired = new Map<string, Replacement>();
    const archiveKeys: typeof referenceFlow.steps.archiveKeys = async (_transaction, replacements) => {
      for (const replacement of replacements) retired.set(replacement.rotation.rotationId, replacement);
    };
    const flow = openWithSteps({ archiveKeys })(db, pool, observer, surroundings);
    return {
      ...flow,
      rotate: async (...call) => {
        const told = await flow.rotate(...call);
        const replacement = told.kind === 'rotated' ? retired.get(told.rotationId ?? '') : undefined;
        if (replacement === undefined) return told;
        await using session = db.client.startSession({ causalConsistency: false });
        await referenceFlow.steps.archiveKeys({ db, pool, session }, [replacement]);
        return told;
      },
    };
  },
};
