import { keypool } from 'keypool';
import type { Scenario, SizeOption } from 'mongo-harness';
import { incarnationOf, type BackupDocument, type KeyDocument } from 'rotation-core';
import { BRAKE_MAX_ROTATIONS } from '../deployments.ts';
import type { RotationTypes } from '../model/rotation-types.ts';
import { backupsFor, bindAll, bindThrice, callEach, callersOf, numbered } from './build.ts';
import { mixedTraffic } from './mixed-traffic.ts';
import { olderFlow } from './older-flow.ts';
import { bindingAdded, putBack, restore, restoredAndPutBack, swept } from './operated.ts';

const CREATED_AT = new Date();

const KEYS: SizeOption = { name: 'keys', about: 'keys of a storm that fail' };
const BACKUPS: SizeOption = { name: 'backups', about: 'free backups at the start of a storm', min: 0 };

const boundTwice = bindThrice('k1').slice(0, 2);
const boundOnceOrTwice = [...boundTwice, ...bindThrice('k2').slice(0, 1)];

const sameKey: Scenario<RotationTypes> = {
  name: 'same-key',
  about: 'callers of one key that has several bindings, and a backup for each caller',
  sizes: [BACKUPS],
  storm: ({ callers = 500, backups = callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random),
  }),
  gated: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: boundTwice },
    clients: callersOf(callers, shares, (caller) => ({ caller, call: { op: 'rotate', keyId: 'k1' } })),
  }),
};

const manyKeys: Scenario<RotationTypes> = {
  name: 'many-keys',
  about: 'several keys fail at once, and there are more backups than keys',
  sizes: [KEYS, BACKUPS],
  storm: ({ callers, keys = callers ?? 500, backups = 2 * keys }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', backups), bindings: bindAll(ids, random) },
      calls: callEach(ids, callers ?? keys, random),
    };
  },
  gated: (callers, shares) => ({
    start: { keys: ['k1', 'k2'], backups: backupsFor(callers, shares), bindings: boundOnceOrTwice },
    clients: callersOf(callers, shares, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: caller === 0 ? 'k1' : 'k2' },
    })),
  }),
};

const scarce: Scenario<RotationTypes> = {
  name: 'scarce',
  about: 'more keys fail than there are backups',
  sizes: [KEYS, BACKUPS],
  storm: ({ callers, keys = callers ?? 300, backups = Math.floor(keys / 3) }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', backups), bindings: bindAll(ids, random) },
      calls: callEach(ids, callers ?? keys, random),
    };
  },
  gated: (callers, shares) => ({
    start: { keys: ['k1', 'k2'], backups: ['b1'], bindings: boundOnceOrTwice },
    clients: callersOf(callers, shares, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: caller === 0 ? 'k1' : 'k2' },
    })),
  }),
};

const chain: Scenario<RotationTypes> = {
  name: 'chain',
  about: 'the replacement fails again, while late callers of the first key still come',
  sizes: [BACKUPS],
  storm: ({ callers = 300, backups = 3 * callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random).map((call) => {
      const late = call.caller % 3 === 0;
      return { ...call, late, follow: late ? 0 : 2 };
    }),
  }),
  gated: (callers, shares) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, shares), bindings: boundTwice },
    clients: callersOf(callers, shares, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: 'k1' },
      follow: caller === 0 ? 1 : 0,
    })),
  }),
};

const lateCallers: Scenario<RotationTypes> = {
  name: 'late-callers',
  about: 'half of the callers of one key come when it has been rotated',
  sizes: [BACKUPS],
  storm: ({ callers = 200, backups = callers }, random) => ({
    start: { keys: ['k1'], backups: numbered('b', backups), bindings: bindThrice('k1') },
    calls: callEach(['k1'], callers, random).map((call) => ({ ...call, late: call.caller % 2 === 1 })),
  }),
};

const poisonedBackup: Scenario<RotationTypes> = {
  name: 'poisoned-backup',
  about: 'some free backups are live keys already, as a crash of an old flow leaves them',
  sizes: [KEYS, BACKUPS],
  storm: ({ callers, keys = callers ?? 60, backups = keys }, random) => {
    const ids = numbered('k', keys);
    const poisoned = numbered('b', Math.ceil(backups / 4));
    return {
      start: {
        keys: [...ids, ...poisoned],
        backups: numbered('b', backups),
        bindings: bindAll([...ids, ...poisoned], random),
      },
      calls: callEach(ids, callers ?? keys, random),
    };
  },
};

const badBackups: Scenario<RotationTypes> = {
  name: 'bad-backups',
  about: 'several keys fail at once, for flows that verify backups: some of the free ones are refused',
  sizes: [KEYS, BACKUPS],
  storm: ({ callers, keys = callers ?? 100, backups = 3 * keys }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', backups), bindings: bindAll(ids, random) },
      calls: callEach(ids, callers ?? 3 * keys, random),
    };
  },
  gated: (callers) => ({
    start: { keys: ['k1', 'k2'], backups: ['b1', 'b2', 'b3'], bindings: boundOnceOrTwice },
    clients: callersOf(callers, false, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: caller === 0 ? 'k1' : 'k2' },
    })),
  }),
};

/** Rotations that count when the run begins; they are of no key of the run. */
const claimsBefore = (count: number): BackupDocument[] =>
  numbered('past', count).map((_id) => ({
    _id,
    apiKey: `key of ${_id}`,
    isUsed: true,
    usedAt: CREATED_AT,
    usedFor: `gone-${_id}`,
    usedForIncarnation: 'gone',
    usedIn: keypool.collections.keys,
    rotationId: `rotation of ${_id}`,
  }));

const upstreamDown: Scenario<RotationTypes> = {
  name: 'upstream-down',
  about: 'all keys fail, and whatever takes their place, until the brake holds',
  sizes: [KEYS, BACKUPS],
  storm: ({ keys = 10, callers = 20 * keys, backups = 5 * BRAKE_MAX_ROTATIONS }, random) => {
    const ids = numbered('k', keys);
    return {
      start: {
        keys: ids,
        // The first rotations of a pool that has never made one are not counted against each other.
        backups: [...claimsBefore(1), ...numbered('b', backups)],
        bindings: bindAll(ids, random),
      },
      calls: callEach(ids, callers, random).map((call) => ({ ...call, follow: BRAKE_MAX_ROTATIONS })),
    };
  },
  gated: (callers, shares) => ({
    start: {
      keys: ['k1', 'k2'],
      backups: [...claimsBefore(BRAKE_MAX_ROTATIONS - 1), ...backupsFor(callers, shares)],
      bindings: boundOnceOrTwice,
    },
    clients: callersOf(callers, shares, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: caller === 0 ? 'k1' : 'k2' },
      follow: 1,
    })),
  }),
};

const liveIncarnation: KeyDocument = { _id: 'k1', apiKey: 'key of k1', status: 'healthy', createdAt: CREATED_AT };

const otherIncarnation: Scenario<RotationTypes> = {
  name: 'other-incarnation',
  about: 'callers of one key, of which all but the first ask for an incarnation of which nothing is known',
  gated: (callers, shares) => ({
    start: { keys: [liveIncarnation], backups: backupsFor(callers, shares), bindings: boundTwice },
    clients: callersOf(callers, shares, (caller) => ({
      caller,
      call: { op: 'rotate', keyId: 'k1', incarnation: caller === 0 ? incarnationOf(liveIncarnation) : 'of a copy' },
    })),
  }),
};

export const scenarios: readonly Scenario<RotationTypes>[] = [
  sameKey,
  manyKeys,
  scarce,
  chain,
  lateCallers,
  poisonedBackup,
  badBackups,
  upstreamDown,
  otherIncarnation,
  olderFlow,
  mixedTraffic,
  bindingAdded,
  restore,
  putBack,
  restoredAndPutBack,
  swept,
];
