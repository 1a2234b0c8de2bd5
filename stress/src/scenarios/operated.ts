import type { Scenario } from 'mongo-harness';
import { incarnationOf, type KeyDocument } from 'rotation-core';
import type { RotationTypes } from '../model/rotation-types.ts';
import { backupsFor, bindThrice, callersOf } from './build.ts';

/* Scenarios in which an operator changes the pool too; each has a check of its own in checker/check-run.ts. */

const boundTwice = bindThrice('k1').slice(0, 2);

export const bindingAdded: Scenario<RotationTypes> = {
  name: 'binding-added',
  about: 'an operator binds one more proxy to the key that fails',
  hasOperator: true,
  gated: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: boundTwice },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, call: { op: 'rotate', keyId: 'k1' } })),
      { operator: [{ op: 'bind', keyId: 'k1', proxyId: 'added-proxy' }] },
    ],
  }),
};

const FIRST_CREATED_AT = '2026-01-01T00:00:00.000Z';
const SECOND_CREATED_AT = '2026-02-01T00:00:00.000Z';
const firstIncarnation: KeyDocument = {
  _id: 'k1',
  apiKey: 'key of k1',
  status: 'healthy',
  createdAt: new Date(FIRST_CREATED_AT),
};

/** The key whose incarnation has ended, and the chain that took its place. */
export const RESTORED = { keyId: 'k1', backupId: 'b1', liveKeyId: 'b2' } as const;

export const restore: Scenario<RotationTypes> = {
  name: 'restore',
  about: 'late callers of a key, while an operator restores the backup that took its place and puts the key back',
  hasOperator: true,
  gated: (callers, shares) => ({
    start: {
      keys: [firstIncarnation],
      bindings: boundTwice,
      past: [
        { keyId: 'k1', backupId: 'b1', by: 'rotation-core' },
        { keyId: 'b1', backupId: 'b2', by: 'rotation-core' },
      ],
      backups: ['b3', 'b4'],
    },
    clients: [
      ...callersOf(callers, shares, (caller) => ({
        caller,
        call: { op: 'rotate', keyId: 'k1', incarnation: incarnationOf(firstIncarnation) },
      })),
      {
        operator: [
          { op: 'restore', backupId: 'b1' },
          { op: 'add-key', keyId: 'k1', createdAt: SECOND_CREATED_AT },
        ],
      },
    ],
  }),
};

/** The key that is put back as it was. */
export const PUT_BACK = 'k1';

export const putBack: Scenario<RotationTypes> = {
  name: 'put-back',
  about: 'callers of a key, while an operator restores the backup that took its place and puts the key back as it was',
  hasOperator: true,
  gated: (callers, shares) => ({
    start: {
      keys: [firstIncarnation],
      bindings: boundTwice,
      past: [
        { keyId: 'k1', backupId: 'b3', by: 'rotation-core' },
        { keyId: 'b3', backupId: 'b4', by: 'rotation-core' },
      ],
      // Taken before the restored one.
      backups: ['b1', 'b2'],
    },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, call: { op: 'rotate', keyId: PUT_BACK } })),
      {
        operator: [
          { op: 'restore', backupId: 'b3' },
          { op: 'add-key', keyId: PUT_BACK, createdAt: FIRST_CREATED_AT },
        ],
      },
    ],
  }),
};

export const restoredAndPutBack: Scenario<RotationTypes> = {
  name: 'restored-and-put-back',
  about: 'one operator restores a backup whose key was replaced, while another one puts the key back',
  hasOperator: true,
  gated: () => ({
    start: {
      keys: ['k1'],
      bindings: boundTwice,
      past: [
        { keyId: 'k1', backupId: 'b1', by: 'rotation-core' },
        { keyId: 'b1', backupId: 'b2', by: 'rotation-core' },
      ],
      backups: [],
    },
    clients: [
      { calls: [{ caller: 0, call: { op: 'restore', backupId: 'b1' } }] },
      { operator: [{ op: 'put-back', keyId: 'b1', createdAt: SECOND_CREATED_AT }] },
    ],
  }),
};

export const swept: Scenario<RotationTypes> = {
  name: 'swept',
  about: 'an operator sweeps a binding that was inserted on a replaced key, while the key that took its place fails',
  hasOperator: true,
  gated: (callers, shares) => ({
    start: {
      keys: ['k1'],
      bindings: boundTwice,
      past: [{ keyId: 'k1', backupId: 'b1', by: 'rotation-core' }],
      backups: backupsFor(callers + 1, shares).slice(1),
    },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, call: { op: 'rotate', keyId: 'b1' } })),
      { operator: [{ op: 'insert-binding', keyId: 'k1', proxyId: 'late-proxy' }, { op: 'sweep' }] },
    ],
  }),
};
