import { bindThrice } from '../../scenarios/build.ts';
import { backupsFor, callersOf } from './callers.ts';
import { bindingAdded, putBack, restore } from './operated.ts';
import type { PairScenario } from './pair-scenario.ts';

const boundOnceOrTwice = [...bindThrice('k1').slice(0, 2), ...bindThrice('k2').slice(0, 1)];

const sameKey: PairScenario = {
  name: 'same-key',
  about: 'callers of one key that has several bindings, a backup for each of them and one more',
  plan: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: bindThrice('k1').slice(0, 2) },
    clients: callersOf(callers, shares, (caller) => ({ caller, keyId: 'k1' })),
  }),
};

const twoKeys: PairScenario = {
  name: 'two-keys',
  about: 'two keys fail, a backup for each caller and one more',
  plan: (callers, shares) => ({
    start: { keys: ['k1', 'k2'], backups: backupsFor(callers, shares), bindings: boundOnceOrTwice },
    clients: callersOf(callers, shares, (caller) => ({ caller, keyId: caller === 0 ? 'k1' : 'k2' })),
  }),
};

const twoKeysOneBackup: PairScenario = {
  name: 'two-keys-one-backup',
  about: 'two keys fail, and there is one backup',
  plan: (callers, shares) => ({
    start: { keys: ['k1', 'k2'], backups: ['b1'], bindings: boundOnceOrTwice },
    clients: callersOf(callers, shares, (caller) => ({ caller, keyId: caller === 0 ? 'k1' : 'k2' })),
  }),
};

const chain: PairScenario = {
  name: 'chain',
  about: 'the first caller rotates the replacement too, while late callers of the first key still come',
  plan: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: bindThrice('k1').slice(0, 2) },
    clients: callersOf(callers, shares, (caller) => ({ caller, keyId: 'k1', follow: caller === 0 ? 1 : 0 })),
  }),
};

export const pairScenarios: ReadonlyMap<string, PairScenario> = new Map(
  [sameKey, twoKeys, twoKeysOneBackup, chain, bindingAdded, restore, putBack].map((scenario) => [
    scenario.name,
    scenario,
  ]),
);
