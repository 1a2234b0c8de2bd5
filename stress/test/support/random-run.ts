import * as fc from 'fast-check';
import type { PoolCommit, RotationOperation, RotationRun } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import type { Answer } from '../../src/model/rotation-types.ts';
import { commitsBetween } from './commits.ts';
import { busy, crashed, history } from './histories.ts';
import { answer, asPoolState, replace, type LoggedRotation, type SequentialPool } from './sequential-pool.ts';

/** A run that was made one call after the other, and the pool before and after it. */
export interface SequentialRun {
  readonly start: SequentialPool;
  readonly final: SequentialPool;
  readonly operations: readonly RotationOperation[];
  /** What was committed, in its order: each entry is a transaction of one rotation or of several. */
  readonly log: readonly (readonly LoggedRotation[])[];
  readonly retirement: 'delete' | 'keep';
}

const REACH_MAX_MS = 12;
const KEYS = ['k1', 'k2', 'k3'];
const BACKUPS = ['b1', 'b2', 'b3', 'b4'];
/** k0 was rotated before the run, and b0 with it in some. */
const EARLIER: SequentialPool['next'] = new Map([['k0', { backupId: 'b0', rotationId: 'earlier' }]]);
export const idsOfRuns: readonly string[] = ['k0', 'b0', ...KEYS, ...BACKUPS, 'unheard-of'];

/** An incarnation that no key has. */
const ANOTHER = 'another life';

interface RandomCall {
  readonly keyId: string;
  /** Of a key that was live at the start, the caller asks for another incarnation. */
  readonly another: boolean;
  /** Time since the call before took effect, and how far the window reaches to both sides. */
  readonly stepMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly pick: number;
  readonly told: 'all' | 'doubt' | 'nothing';
}

const randomCall: fc.Arbitrary<RandomCall> = fc.record({
  // Mostly keys that fail, else hardly anything is rotated.
  keyId: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...KEYS) }, fc.constantFrom(...idsOfRuns)),
  another: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  stepMs: fc.nat(5),
  beforeMs: fc.nat(REACH_MAX_MS),
  afterMs: fc.nat(REACH_MAX_MS),
  pick: fc.nat(),
  told: fc.constantFrom('all', 'all', 'all', 'all', 'doubt', 'nothing'),
});

/** Runs of the sequential pool, with random windows around the instants at which their calls took effect. */
export function sequentialRun(callsMax: number): fc.Arbitrary<SequentialRun> {
  return fc
    .record({
      keyCount: fc.integer({ min: 1, max: KEYS.length }),
      backupCount: fc.integer({ min: 0, max: BACKUPS.length }),
      allowed: fc.oneof(
        { weight: 2, arbitrary: fc.constant(Infinity) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
      ),
      retirement: fc.constantFrom('delete' as const, 'keep' as const),
      calls: fc.array(randomCall, { maxLength: callsMax }),
    })
    .map(({ keyCount, backupCount, allowed, retirement, calls }) => {
      const start: SequentialPool = {
        live: new Set([...KEYS.slice(0, keyCount), 'b0']),
        free: new Set(BACKUPS.slice(0, backupCount)),
        next: EARLIER,
        allowed,
      };
      return { start, retirement, ...execute(start, calls) };
    });
}

function execute(
  start: SequentialPool,
  calls: readonly RandomCall[],
): Pick<SequentialRun, 'final' | 'operations' | 'log'> {
  let state = start;
  let nowMs = REACH_MAX_MS; // the clock of a run begins at 0
  const log: LoggedRotation[][] = [];
  const operations = calls.map(({ keyId, another, stepMs, beforeMs, afterMs, pick, told }, caller) => {
    nowMs += stepMs;
    const free = [...state.free];
    const incarnation = another && start.live.has(keyId) ? ANOTHER : undefined;
    const rotationId = `r${caller}`;
    const answered = answer(state, keyId, incarnation, free[pick % Math.max(1, free.length)]);
    if (answered.kind === 'rotated') {
      const rotation = { keyId, backupId: answered.replacement, rotationId };
      state = replace(state, rotation);
      log.push([rotation]);
    }
    return {
      caller,
      keyId,
      ...(incarnation === undefined ? {} : { incarnation }),
      invokedAtMs: nowMs - beforeMs,
      completedAtMs: told === 'nothing' ? Infinity : nowMs + afterMs,
      answer: tell(answered, rotationId, told),
    };
  });
  return { final: state, operations, log };
}

function tell(answered: Answer, rotationId: string, told: RandomCall['told']): Answer {
  if (told === 'nothing') return crashed;
  if (told === 'all') return answered.kind === 'rotated' ? { ...answered, rotationId } : answered;
  // Who changed nothing may be sure of that, who changed something can only be in doubt.
  return UNCHANGED.includes(answered.kind) ? busy : { kind: 'indeterminate', rotationId };
}

const UNCHANGED: readonly string[] = ['not-found', 'held-back', 'other-incarnation'];

/** As the checker sees it. @param isLogged with what was committed */
export function asRun({ start, final, operations, log, retirement }: SequentialRun, isLogged: boolean): RotationRun {
  const stateOf = (state: SequentialPool): PoolState => asPoolState(state, [...start.live], retirement);
  return {
    start: stateOf(start),
    between: [],
    ...(isLogged ? { commits: commitsOf(start, log, stateOf) } : {}),
    final: stateOf(final),
    history: { ...history([]), operations },
    operated: [],
    expectedErrors: [],
  };
}

function commitsOf(
  start: SequentialPool,
  log: SequentialRun['log'],
  stateOf: (state: SequentialPool) => PoolState,
): PoolCommit[] {
  let state = start;
  return log.flatMap((transaction) => {
    const before = state;
    state = transaction.reduce(replace, state);
    return commitsBetween(stateOf(before), stateOf(state));
  });
}
