import { bindAll, bindThrice, callEach, numbered } from './build.ts';
import type { Scenario } from './scenario.ts';

const sameKey: Scenario = {
  name: 'same-key',
  about: 'many callers of one key that has several bindings, a backup for each of them',
  plan: ({ callers = 500, backups = callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random),
    expectedErrors: [],
  }),
};

const manyKeys: Scenario = {
  name: 'many-keys',
  about: 'many keys fail at once, each for one caller, with two backups for each key',
  plan: ({ callers, keys = callers ?? 500, backups = 2 * keys }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', backups), bindings: bindAll(ids, random) },
      calls: callEach(ids, callers ?? keys, random),
      expectedErrors: [],
    };
  },
};

const scarce: Scenario = {
  name: 'scarce',
  about: 'three times as many keys fail as there are backups',
  plan: ({ callers, keys = callers ?? 300, backups = Math.floor(keys / 3) }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', backups), bindings: bindAll(ids, random) },
      calls: callEach(ids, callers ?? keys, random),
      expectedErrors: [],
    };
  },
};

const chain: Scenario = {
  name: 'chain',
  about: 'the replacement fails again, and once more, while late callers of the first key still come',
  plan: ({ callers = 300, backups = 3 * callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random).map((call) => {
      const late = call.caller % 3 === 0;
      return { ...call, late, follow: late ? 0 : 2 };
    }),
    expectedErrors: [],
  }),
};

const lateCallers: Scenario = {
  name: 'late-callers',
  about: 'half of the callers of one key come when it has been rotated',
  plan: ({ callers = 200, backups = callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random).map((call) => ({ ...call, late: call.caller % 2 === 1 })),
    expectedErrors: [],
  }),
};

const poisonedBackup: Scenario = {
  name: 'poisoned-backup',
  about: 'some free backups are live keys already, as a crash of an old flow leaves them',
  plan: ({ callers, keys = callers ?? 60, backups = keys }, random) => {
    const ids = numbered('k', keys);
    const poisoned = numbered('b', Math.ceil(backups / 4));
    return {
      start: {
        keys: [...ids, ...poisoned],
        backups: numbered('b', backups),
        bindings: bindAll([...ids, ...poisoned], random),
      },
      calls: callEach(ids, callers ?? keys, random),
      expectedErrors: ['inconsistent'],
    };
  },
};

export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  [sameKey, manyKeys, scarce, chain, lateCallers, poisonedBackup].map((scenario) => [scenario.name, scenario]),
);
