import { alreadyRotated, busy, indeterminate, noBackup, notFound, rotated } from './histories.ts';
import { pool } from './pool-states.ts';
import type { Left } from './check.ts';

const twoBindings = (keyId: string): Record<string, string> => ({ p1: keyId, p2: keyId });

/** Runs in which nothing is broken; each check must say so, of each of them. */
export const validRuns: Readonly<Record<string, Left>> = {
  'nobody called': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
  },
  'one key is rotated, callers are coalesced': {
    start: pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['b1'], free: ['b2'], used: { b1: 'k1' }, bindings: twoBindings('b1') }),
    calls: [
      [0, 'k1', rotated('b1', 'r1')],
      [1, 'k1', alreadyRotated('b1')],
      [2, 'k1', alreadyRotated('b1')],
    ],
    claims: [{ keyId: 'k1', backupId: 'b1', rotationId: 'r1' }],
  },
  'a chain: the replacement fails again': {
    start: pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['b2'], used: { b1: 'k1', b2: 'b1' }, bindings: twoBindings('b2') }),
    calls: [
      [0, 'k1', rotated('b1'), 0, 10],
      [1, 'k1', alreadyRotated('b1'), 5, 20],
      [0, 'b1', rotated('b2'), 11, 30],
      [2, 'k1', alreadyRotated('b2'), 6, 40],
      [1, 'b1', alreadyRotated('b2'), 20, 40],
    ],
  },
  'the retired key is kept': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['b1'], kept: ['k1'], used: { b1: 'k1' }, bindings: twoBindings('b1') }),
    calls: [
      [0, 'k1', rotated('b1')],
      [1, 'k1', alreadyRotated('b1')],
    ],
  },
  'a key was rotated before the run, and its replacement is rotated in it': {
    start: pool({ keys: ['b0'], kept: ['k0'], free: ['b1'], used: { b0: 'k0' }, bindings: twoBindings('b0') }),
    final: pool({ keys: ['b1'], kept: ['k0', 'b0'], used: { b0: 'k0', b1: 'b0' }, bindings: twoBindings('b1') }),
    calls: [
      [0, 'k0', alreadyRotated('b0'), 0, 10],
      [1, 'b0', rotated('b1'), 5, 20],
      [2, 'k0', alreadyRotated('b1'), 8, 30],
    ],
  },
  'the only one who may have rotated it could not know': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' }, bindings: twoBindings('b1') }),
    calls: [
      [0, 'k1', indeterminate, 5, 10],
      [1, 'k1', busy, 0, 10],
      [2, 'k1', alreadyRotated('b1'), 50, 60],
    ],
  },
  'who could not know did nothing': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    calls: [[0, 'k1', indeterminate]],
  },
  'the stock ends': {
    start: pool({ keys: ['k1', 'k2'], free: ['b1'], bindings: { p1: 'k1', p2: 'k2' } }),
    final: pool({ keys: ['b1', 'k2'], used: { b1: 'k1' }, bindings: { p1: 'b1', p2: 'k2' } }),
    calls: [
      [0, 'k1', rotated('b1')],
      [1, 'k2', noBackup],
      [2, 'b1', noBackup],
    ],
  },
  'a key that never was': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: twoBindings('k1') }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' }, bindings: twoBindings('b1') }),
    calls: [
      [0, 'unheard-of', notFound],
      [1, 'k1', rotated('b1'), 10, 20],
      [2, 'b1', notFound, 5, 11],
    ],
  },
  'two bindings that are alike': {
    start: pool({ keys: ['k1'], free: ['b1'], bindings: { p1: ['k1', 'k1'] } }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' }, bindings: { p1: ['b1', 'b1'] } }),
    calls: [[0, 'k1', rotated('b1')]],
  },
};
