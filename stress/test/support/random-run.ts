import * as fc from 'fast-check';
import type { RotationOperation, RotationRun } from '../../src/checker/rotation-run.ts';
import type { Answer } from '../../src/model/rotation-types.ts';
import { busy, history, indeterminate, operation } from './histories.ts';
import { answer, asPoolState, replace, type SequentialPool } from './sequential-pool.ts';

/** A run that was made one call after the other, and the pool before and after it. */
export interface SequentialRun {
  readonly start: SequentialPool;
  readonly final: SequentialPool;
  readonly operations: readonly RotationOperation[];
  readonly retirement: 'delete' | 'keep';
}

const REACH_MAX_MS = 12;
const KEYS = ['k1', 'k2', 'k3'];
const BACKUPS = ['b1', 'b2', 'b3', 'b4'];
/** k0 was rotated before the run, and b0 with it in some. */
const EARLIER: SequentialPool['next'] = new Map([['k0', 'b0']]);
export const idsOfRuns: readonly string[] = ['k0', 'b0', ...KEYS, ...BACKUPS, 'unheard-of'];

interface RandomCall {
  readonly keyId: string;
  /** Time since the call before took effect, and how far the window reaches to both sides. */
  readonly stepMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly pick: number;
  readonly told: 'all' | 'nothing';
}

const randomCall: fc.Arbitrary<RandomCall> = fc.record({
  // Mostly keys that fail, else hardly anything is rotated.
  keyId: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...KEYS) }, fc.constantFrom(...idsOfRuns)),
  stepMs: fc.nat(5),
  beforeMs: fc.nat(REACH_MAX_MS),
  afterMs: fc.nat(REACH_MAX_MS),
  pick: fc.nat(),
  told: fc.constantFrom('all', 'all', 'all', 'nothing'),
});

/** Runs of the sequential pool, with random windows around the instants at which their calls took effect. */
export function sequentialRun(callsMax: number): fc.Arbitrary<SequentialRun> {
  return fc
    .record({
      keyCount: fc.integer({ min: 1, max: KEYS.length }),
      backupCount: fc.integer({ min: 0, max: BACKUPS.length }),
      retirement: fc.constantFrom('delete' as const, 'keep' as const),
      calls: fc.array(randomCall, { maxLength: callsMax }),
    })
    .map(({ keyCount, backupCount, retirement, calls }) => {
      const start: SequentialPool = {
        live: new Set([...KEYS.slice(0, keyCount), 'b0']),
        free: new Set(BACKUPS.slice(0, backupCount)),
        next: EARLIER,
      };
      return { start, retirement, ...execute(start, calls) };
    });
}

function execute(
  start: SequentialPool,
  calls: readonly RandomCall[],
): { readonly final: SequentialPool; readonly operations: RotationOperation[] } {
  let state = start;
  let nowMs = REACH_MAX_MS; // the clock of a run begins at 0
  const operations = calls.map(({ keyId, stepMs, beforeMs, afterMs, pick, told }, caller) => {
    nowMs += stepMs;
    const free = [...state.free];
    const answered = answer(state, keyId, free[pick % Math.max(1, free.length)]);
    if (answered.kind === 'rotated') state = replace(state, keyId, answered.replacement);
    return operation([caller, keyId, told === 'all' ? answered : doubt(answered), nowMs - beforeMs, nowMs + afterMs]);
  });
  return { final: state, operations };
}

/** Who changed nothing may be sure of that, who changed something can only be in doubt. */
const doubt = ({ kind }: Answer): Answer => (kind === 'not-found' ? busy : indeterminate);

/** As the checker sees it. */
export function asRun({ start, final, operations, retirement }: SequentialRun): RotationRun {
  const bound = [...start.live];
  return {
    start: asPoolState(start, bound, retirement),
    between: [],
    final: asPoolState(final, bound, retirement),
    history: { ...history([]), operations },
    operated: [],
    expectedErrors: [],
  };
}
