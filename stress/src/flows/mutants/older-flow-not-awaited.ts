import { referenceFlow } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

const openReference = openRotator(() => referenceFlow, { coalesce: true });

export const olderFlowNotAwaited: RotationMutant = {
  name: 'older-flow-not-awaited',
  about:
    'the reference with maxOlderFlowMs 0 beside an older flow: rotates a key whose bindings that flow has taken away',
  expected: 'violated',
  breaks: ['I3'],
  depth: 2,
  storms: [],
  explorations: [{ scenario: 'older-flow', deployment: 'keypool', callers: 2 }],
  open: (db, pool, observer, surroundings) => openReference(db, { ...pool, maxOlderFlowMs: 0 }, observer, surroundings),
};
