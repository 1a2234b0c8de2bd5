import * as fc from 'fast-check';
import type { RotationOperation, RotationRun } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import {
  alreadyRotated,
  busy,
  crashed,
  failed,
  heldBack,
  noBackup,
  notFound,
  otherIncarnation,
  rotated,
} from './histories.ts';
import { incarnationIn } from './pool-states.ts';
import { asRun, idsOfRuns, type SequentialRun } from './random-run.ts';
import { hasOrder } from './search-order.ts';
import { replace, type LoggedRotation } from './sequential-pool.ts';

/** What is changed in a run, whether it fits or not. */
export interface Planted {
  /** In one operation. */
  readonly told?: { readonly at: number } & Partial<
    Pick<RotationOperation, 'answer' | 'invokedAtMs' | 'completedAtMs'>
  >;
  /** Two callers of the run have each other's answers. */
  readonly swapped?: readonly [number, number];
  /** In the rotations that the log has. */
  readonly log?: LogChange;
  /** In the rotations that led to the end. */
  readonly final?: LogChange;
  /** In the documents at the end, and nothing else. */
  readonly damage?: Damage;
}

interface LogChange {
  readonly kind: 'dropped' | 'swapped' | 'together' | 'other backup' | 'other id';
  readonly at: number;
}

type Damage = 'binding lost' | 'binding doubled' | 'second claim' | 'backup gone' | 'key back' | 'key gone';

// Small times, so that windows touch each other often.
const anyAnswer = fc.oneof(
  fc
    .tuple(fc.constantFrom(...idsOfRuns), fc.nat(4))
    .chain(([id, by]) => fc.constantFrom(rotated(id, `r${by}`), alreadyRotated(id))),
  fc.constantFrom(noBackup, notFound, heldBack, busy, crashed, failed('refused')),
  fc.nat(4).map((by) => ({ kind: 'indeterminate', rotationId: `r${by}` }) as const),
  fc.constantFrom(...idsOfRuns).map((id) => otherIncarnation(incarnationIn(id))),
);
const window = fc
  .tuple(fc.nat(40), fc.nat(12))
  .map(([invokedAtMs, lengthMs]) => ({ invokedAtMs, completedAtMs: invokedAtMs + lengthMs }));
const logChange: fc.Arbitrary<LogChange> = fc.record({
  kind: fc.constantFrom('dropped', 'swapped', 'together', 'other backup', 'other id'),
  at: fc.nat(4),
});

/** One thing, or nothing. */
export const planted: fc.Arbitrary<Planted> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: fc.record({ at: fc.nat(4), answer: anyAnswer }).map((told) => ({ told })) },
  { weight: 4, arbitrary: fc.tuple(fc.nat(4), window).map(([at, times]) => ({ told: { at, ...times } })) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(4), fc.nat(4)).map((swapped) => ({ swapped })) },
  { weight: 3, arbitrary: logChange.map((log) => ({ log })) },
  { weight: 1, arbitrary: logChange.map((final) => ({ final })) },
  // Both, so that they agree with each other, and not with what callers were told.
  { weight: 2, arbitrary: logChange.map((change) => ({ log: change, final: change })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<Damage>('binding lost', 'binding doubled', 'second claim', 'backup gone', 'key back', 'key gone')
      .map((kind) => ({ damage: kind })),
  },
);

/** A run as the checker sees it, and whether any order explains it, by a search through all of them. */
export interface Case {
  readonly run: RotationRun;
  readonly isExplained: boolean;
}

/** Undefined where the change has no place in the run. */
export function plant(made: SequentialRun, change: Planted, isLogged: boolean): Case | undefined {
  const operations = changeTold(made.operations, change);
  const log = change.log === undefined ? made.log : changeLog(made.log, change.log, made.start.free);
  const finalLog = change.final === undefined ? made.log : changeLog(made.log, change.final, made.start.free);
  if (log === undefined || finalLog === undefined) return undefined;
  const final = finalLog.flat().reduce(replace, made.start);
  const run = asRun({ ...made, operations, log, final }, isLogged);
  const damaged = change.damage === undefined ? run.final : damage(run.final, change.damage);
  if (damaged === undefined) return undefined;
  const isExplained =
    damaged === run.final && hasOrder(made.start, operations, { final, ...(isLogged ? { log } : {}) });
  return { run: { ...run, final: damaged }, isExplained };
}

function changeTold(operations: readonly RotationOperation[], { told, swapped }: Planted): RotationOperation[] {
  const changed = [...operations];
  if (told !== undefined) {
    const { at, ...fields } = told;
    const index = at % Math.max(1, changed.length);
    const before = changed[index];
    if (before !== undefined) changed[index] = { ...before, ...fields };
  }
  const [one, other] = (swapped ?? []).map((at) => at % Math.max(1, changed.length));
  if (one !== undefined && other !== undefined) {
    const [first, second] = [changed[one], changed[other]];
    if (first !== undefined && second !== undefined) {
      changed[one] = { ...first, answer: second.answer };
      changed[other] = { ...second, answer: first.answer };
    }
  }
  return changed;
}

function changeLog(
  log: SequentialRun['log'],
  { kind, at }: LogChange,
  free: ReadonlySet<string>,
): SequentialRun['log'] | undefined {
  const index = at % Math.max(1, log.length);
  const [entry, next] = [log[index], log[index + 1]];
  const [rotation] = entry ?? [];
  if (entry === undefined || rotation === undefined) return undefined;
  switch (kind) {
    case 'dropped':
      return log.toSpliced(index, 1);
    case 'swapped':
      return next === undefined ? undefined : log.toSpliced(index, 2, next, entry);
    case 'together': {
      const isChain = next?.some(({ keyId }) => keyId === rotation.backupId);
      return next === undefined || isChain === true ? undefined : log.toSpliced(index, 2, [...entry, ...next]);
    }
    case 'other backup': {
      const taken = new Set(log.flat().map(({ backupId }) => backupId));
      const backupId = [...free].find((id) => !taken.has(id));
      return backupId === undefined ? undefined : log.with(index, [{ ...rotation, backupId }]);
    }
    case 'other id':
      return log.with(index, [{ ...rotation, rotationId: 'another' } satisfies LoggedRotation]);
  }
}

function damage(state: PoolState, kind: Damage): PoolState | undefined {
  const [key] = state.keys.values();
  const [binding, ...bindings] = state.bindings;
  const backups = [...state.backups.values()];
  const free = backups.find(({ isUsed }) => !isUsed);
  const used = backups.find(({ isUsed, usedFor }) => isUsed && usedFor !== 'k0');
  switch (kind) {
    case 'binding lost':
      return binding && { ...state, bindings };
    case 'binding doubled':
      return binding && { ...state, bindings: [...state.bindings, binding] };
    case 'second claim':
      return (
        free &&
        used && {
          ...state,
          backups: new Map(state.backups).set(free.id, {
            ...free,
            isUsed: true,
            usedFor: used.usedFor,
            content: 'claimed',
          }),
        }
      );
    case 'backup gone':
      return free && { ...state, backups: new Map([...state.backups].filter(([id]) => id !== free.id)) };
    case 'key back':
      return (
        used &&
        key && {
          ...state,
          keys: new Map(state.keys).set(used.usedFor ?? '', { ...key, id: used.usedFor ?? '', live: true }),
        }
      );
    case 'key gone':
      return key && { ...state, keys: new Map([...state.keys].filter(([id]) => id !== key.id)) };
  }
}
