import { incarnationOf, type KeyDocument } from 'rotation-core';
import { checkAddedBindings } from '../../checker/check-added-bindings.ts';
import { checkEndedLife } from '../../checker/check-ended-life.ts';
import { checkPutBack } from '../../checker/check-put-back.ts';
import { bindThrice } from '../../scenarios/build.ts';
import { backupsFor, callersOf } from './callers.ts';
import type { PairScenario } from './pair-scenario.ts';

/* Scenarios in which an operator changes the pool too. */

export const bindingAdded: PairScenario = {
  name: 'binding-added',
  about: 'an operator binds one more proxy to the key that fails',
  hasOperator: true,
  plan: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: bindThrice('k1').slice(0, 2) },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, keyId: 'k1' })),
      { operator: [{ kind: 'bind', keyId: 'k1', proxyId: 'added-proxy' }] },
    ],
  }),
  judge: checkAddedBindings,
};

const firstLife: KeyDocument = { _id: 'k1', apiKey: 'key of k1', status: 'healthy', createdAt: new Date('2026-01-01') };
const secondLife: KeyDocument = { ...firstLife, createdAt: new Date('2026-02-01') };

export const restore: PairScenario = {
  name: 'restore',
  about: 'late callers of a key, while an operator restores the backup that took its place and puts the key back',
  hasOperator: true,
  plan: (callers, shares) => ({
    start: {
      keys: [firstLife],
      bindings: bindThrice('k1').slice(0, 2),
      earlier: [
        { keyId: 'k1', backupId: 'b1', by: 'rotation-core' },
        { keyId: 'b1', backupId: 'b2', by: 'rotation-core' },
      ],
      backups: ['b3', 'b4'],
    },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, keyId: 'k1', incarnation: incarnationOf(firstLife) })),
      {
        operator: [
          { kind: 'restore', backupId: 'b1' },
          { kind: 'add-key', key: secondLife },
        ],
      },
    ],
  }),
  judge: (run) => checkEndedLife(run, { keyId: 'k1', backupId: 'b1', liveKeyId: 'b2' }),
};

export const putBack: PairScenario = {
  name: 'put-back',
  about: 'callers of a key, while an operator restores the backup that took its place and puts the key back as it was',
  hasOperator: true,
  plan: (callers, shares) => ({
    start: {
      keys: [firstLife],
      bindings: bindThrice('k1').slice(0, 2),
      earlier: [
        { keyId: 'k1', backupId: 'b3', by: 'rotation-core' },
        { keyId: 'b3', backupId: 'b4', by: 'rotation-core' },
      ],
      // Taken before the restored one.
      backups: ['b1', 'b2'],
    },
    clients: [
      ...callersOf(callers, shares, (caller) => ({ caller, keyId: 'k1' })),
      {
        operator: [
          { kind: 'restore', backupId: 'b3' },
          { kind: 'add-key', key: firstLife },
        ],
      },
    ],
  }),
  judge: (run) => checkPutBack(run, 'k1'),
};
