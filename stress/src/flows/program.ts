import type { ProgramFlow, Protocol } from 'mongo-harness';
import type { FlowAnswer, RotationTypes } from '../model/rotation-types.ts';

/** How a rotation looks to a program in any language: docs/any-language.md. */
const protocol: Protocol<RotationTypes> = {
  toLine: (call, { name: pool }) => {
    if (call.op !== 'rotate') throw new TypeError(`the protocol has no ${call.op}`);
    if (call.by !== undefined) throw new TypeError('the protocol has no callers with an older flow');
    return { op: call.op, pool, key: call.keyId };
  },
  rehearsal: { op: 'rotate', keyId: 'rehearsal' },
  answers: {
    rotated: { replacement: { type: 'text', isRequired: true } },
    'already-rotated': { replacement: { type: 'text', isRequired: false } },
    'no-backup': {},
    'not-found': {},
  },
  toAnswer: (word, { replacement }): FlowAnswer => {
    if (word === 'rotated') return { kind: word, replacement: replacement as string };
    if (word === 'already-rotated')
      return replacement === undefined ? { kind: word } : { kind: word, replacement: replacement as string };
    return { kind: word as 'no-backup' | 'not-found' };
  },
  // All that a program tells of its claims is whose backup it installed.
  toClaim: (caller, call, answer) =>
    answer.kind === 'rotated' && call.op === 'rotate'
      ? { keyId: call.keyId, backupId: answer.replacement, caller }
      : undefined,
};

/** The scenarios that say something about any flow; the others begin with what only the reference, or an old flow, has written. */
const SCENARIOS = ['same-key', 'many-keys', 'scarce', 'chain'];

export const program: ProgramFlow<RotationTypes> = {
  name: 'exec',
  about: 'a command of yours, in any language',
  expected: 'valid',
  storms: SCENARIOS.map((scenario) => ({ scenario, deployment: 'keypool' })),
  explorations: SCENARIOS.map((scenario) => ({ scenario, deployment: 'keypool', callers: 2 })),
  protocol,
};
