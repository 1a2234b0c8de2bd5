import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY, openRotator } from './rotator-subject.ts';
import type { Subject } from './subject.ts';

export const reference: Subject = {
  name: 'reference',
  about: 'the flow of rotation-core as services use it',
  expected: 'valid',
  operates: true,
  coalesces: true,
  open: openRotator(() => referenceFlow, { coalesce: true }),
};

export const referenceBare: Subject = {
  name: 'reference-bare',
  about: 'the same flow with a transaction for each caller: nothing is shared inside a process',
  expected: 'valid',
  operates: true,
  concurrency: BARE_CONCURRENCY,
  open: openRotator(() => referenceFlow, { coalesce: false }),
};
