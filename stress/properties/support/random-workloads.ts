import * as fc from 'fast-check';
import type { PlannedCall, StormPlan } from 'mongo-harness';
import { unbrakedDeployments } from '../../src/deployments.ts';
import type { PastRotation } from '../../src/model/start-state.ts';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import {
  backupDocument,
  backupSpecs,
  bindingDocument,
  keyDocument,
  keySpecs,
  shrinkingToOne,
  plainBackup,
  plainKey,
  type BackupSpec,
  type KeySpec,
} from './documents.ts';
import { Names, nameWish, type NameWish } from './names.ts';
import { formatWorkload } from './format-workload.ts';
import type { Workload } from './workload.ts';

interface CallSpec {
  /** A key of the pool, which may have been rotated before; the replacement of such a key; a backup; nothing that is there. */
  readonly whom: 'key' | 'replacement' | 'backup' | 'stranger';
  /** Which of them; counts round. */
  readonly which: number;
  readonly late: boolean;
  readonly follow: number;
}

/** What is out of the ordinary in a workload; each is switched off for all documents and callers at once. */
interface Oddities {
  /** Ids that look alike. */
  readonly names: boolean;
  /** Old and foreign documents, statuses other than healthy, damage of older flows. */
  readonly documents: boolean;
  /** Keys that were rotated before the run. */
  readonly past: boolean;
  /** Callers whose replacement fails again, and late ones. */
  readonly chains: boolean;
}

interface WorkloadSpec {
  readonly oddities: Oddities;
  readonly backups: readonly BackupSpec[];
  readonly calls: readonly CallSpec[];
  readonly keys: readonly KeySpec[];
  /** A binding points to a key that is not there, as a foreign writer leaves it. */
  readonly dangling: boolean;
  /** Backups that are live keys already, as a crash of an old flow leaves them; nobody calls those keys. */
  readonly poisoned: number;
  readonly stranger: NameWish;
  readonly processes: number;
  readonly coalesce: boolean;
  readonly deployment: string;
}

const MAX_CALLERS = 30;
const MAX_PROCESSES = 3;
const MAX_POISONED = 2;

const call: fc.Arbitrary<CallSpec> = fc.record({
  whom: fc.oneof(
    { weight: 8, arbitrary: fc.constant('key') },
    { weight: 2, arbitrary: fc.constantFrom('replacement', 'backup', 'stranger') },
  ),
  which: fc.nat(7),
  late: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
  follow: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
});

/** Mostly there, for several may be needed at once; shrinks to false. */
const oddity = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant(false) },
  { weight: 3, arbitrary: fc.constant(true) },
);

/**
 * In this order it shrinks: everything plain, then fewer backups, callers and keys, then a plainer place. Backups come before
 * callers, for where none is left, one caller is enough.
 */
const workloadSpec: fc.Arbitrary<WorkloadSpec> = fc.record({
  oddities: fc.record({ past: oddity, documents: oddity, chains: oddity, names: oddity }),
  backups: backupSpecs,
  calls: shrinkingToOne(call, MAX_CALLERS),
  keys: keySpecs,
  dangling: fc.boolean(),
  poisoned: fc.oneof({ weight: 7, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(MAX_POISONED) }),
  stranger: fc.noShrink(nameWish),
  processes: fc.integer({ min: 1, max: MAX_PROCESSES }),
  coalesce: fc.boolean(),
  deployment: fc.constantFrom(...unbrakedDeployments.map(({ name }) => name)),
});

export const workloads: fc.Arbitrary<Workload> = workloadSpec.map((spec) => toWorkload(leavePlain(spec)));

function leavePlain(spec: WorkloadSpec): WorkloadSpec {
  const { names, documents, past, chains } = spec.oddities;
  return {
    ...spec,
    stranger: names ? spec.stranger : null,
    poisoned: documents ? spec.poisoned : 0,
    dangling: documents && spec.dangling,
    calls: spec.calls.map((one) => ({ ...one, ...(chains ? {} : { late: false, follow: 0 }) })),
    keys: spec.keys.map((one) => ({
      ...one,
      ...(names ? {} : { name: null }),
      ...(documents ? {} : plainKey),
      ...(past ? {} : { past: [] }),
    })),
    backups: spec.backups.map((one) => ({
      ...one,
      ...(names ? {} : { name: null }),
      ...(documents ? {} : plainBackup),
    })),
  };
}

function toWorkload({ calls, keys, backups, dangling, poisoned, stranger, ...place }: WorkloadSpec): Workload {
  const names = new Names();
  const named = keys.map((spec) => ({ spec, id: names.give(spec.name, 'k') }));
  const past = named.flatMap(({ spec, id }) => {
    let keyId = id;
    return spec.past.map((by): PastRotation => {
      const backupId = names.give(null, 'r');
      const rotation = { keyId, backupId, by };
      keyId = backupId;
      return rotation;
    });
  });
  const poisonedIds = Array.from({ length: poisoned }, () => names.give(null, 'live'));
  const stock = backups.map((spec) => {
    const id = names.give(spec.name, 'b');
    return backupDocument(id, spec, named[spec.wastedOn % named.length]?.id);
  });
  const strangerId = names.give(stranger, 'stranger');

  const called: Record<CallSpec['whom'], readonly string[]> = {
    key: named.map(({ id }) => id),
    replacement: past.map(({ backupId }) => backupId),
    backup: stock.map(({ _id }) => _id),
    stranger: [strangerId],
  };
  const plannedCalls = calls.map(({ whom, which, late, follow }, caller): PlannedCall<RotationTypes> => {
    const ids = called[whom].length > 0 ? called[whom] : called.key;
    return { caller, call: { op: 'rotate', keyId: ids[which % ids.length] ?? '' }, late, follow };
  });

  const bindings = named.flatMap(({ spec, id }) =>
    spec.bindings.map((binding, index) => bindingDocument(id, binding, index)),
  );
  const danglingBindings = dangling ? [bindingDocument(strangerId, { proxy: 0, shape: 'whole' }, 0)] : [];
  const plan: StormPlan<RotationTypes> = {
    start: {
      keys: [...named.map(({ spec, id }) => keyDocument(id, spec)), ...poisonedIds],
      backups: [...stock, ...poisonedIds],
      bindings: [...bindings, ...danglingBindings],
      past,
    },
    calls: plannedCalls,
    expectedErrors: poisoned > 0 ? ['inconsistent'] : [],
  };
  const { processes, deployment, coalesce } = place;
  const workload: Workload = { plan, processes, deployment, coalesce };
  return Object.assign(workload, { [fc.toStringMethod]: () => `\n${formatWorkload(workload)}\n` });
}
