import { Order, type OrderProblem, type Point } from 'mongo-harness';
import type { PoolState } from '../model/pool-state.ts';
import { isDoubtful } from '../model/rotation-types.ts';
import { allowanceOf } from './check-brake.ts';
import { mayHaveMade, type Effect } from './check-effects.ts';
import type { RotationViolation } from './invariants.ts';
import { meansAnother } from './means-another.ts';
import { groupBy, type Replacements } from './replacements.ts';
import type { RotationHistory, RotationOperation } from './rotation-run.ts';

/**
 * I7: is there an order of all rotations and answers that the sequential pool explains, in which each takes effect between its call
 * and its answer? Ids are unique, so what an answer saw names what it must come after and before.
 *
 * Where the log was read, the rotations have its order.
 *
 * Call it only where I1 to I5 hold, for a doubled rotation has no one place in an order.
 */
export function checkOrder(
  start: PoolState,
  history: RotationHistory,
  replacements: Replacements,
  effects: readonly Effect[],
): RotationViolation[] {
  const order = new Order();
  const byKey = groupBy(history.operations, ({ keyId }) => keyId);
  const at = (time: number): string => formatTime(time, history.unit);

  // The rotations of this run: one point for each commit. It lies in the windows of those who made them, which are open-ended where no winner is known.
  const rotations = new Map<string, Point>();
  const installs = new Map<string, Point>();
  let before: Point | undefined;
  for (const [commit, made] of Map.groupBy(effects, ({ commit: number, keyId }) => number ?? keyId)) {
    const windows = made.map((effect) => {
      const able = (byKey.get(effect.keyId) ?? []).filter(
        (operation) => !meansAnother(start, operation) && mayHaveMade(operation.answer, effect),
      );
      return rotationPoint(effect.keyId, able, at);
    });
    const point = order.add(together(windows));
    for (const { keyId, backupId } of made) {
      rotations.set(keyId, point);
      installs.set(backupId, point);
    }
    if (typeof commit !== 'number') continue;
    order.precede(before, point);
    before = point;
  }
  for (const [keyId, rotation] of rotations) order.precede(installs.get(keyId), rotation);

  const freeAtStart = [...start.backups.values()].filter(({ isUsed }) => !isUsed).length;
  const stockEnd =
    rotations.size >= freeAtStart
      ? order.add({ what: 'the end of the stock', why: 'the run began with stock', earliest: 0, latest: Infinity })
      : undefined;
  const brakeEnd =
    rotations.size >= allowanceOf(start)
      ? order.add({
          what: 'the last rotation that the brake allowed',
          why: 'it allowed some',
          earliest: 0,
          latest: Infinity,
        })
      : undefined;
  for (const end of [stockEnd, brakeEnd])
    if (end !== undefined) for (const rotation of rotations.values()) order.precede(rotation, end);

  const places: Places = { start, order, at, rotations, installs, stockEnd, brakeEnd, answers: new Map() };
  for (const operation of history.operations) placeAnswer(operation, places);
  return order.problems().map((problem) => ({
    invariant: 'I7',
    sentence: explainStale(problem, places, replacements) ?? explain(problem, at),
  }));
}

/** A caller was told of a key as live that had been replaced before the caller asked. */
function explainStale(
  problem: OrderProblem,
  { at, rotations, answers }: Places,
  replacements: Replacements,
): string | undefined {
  if (problem.kind !== 'late') return undefined;
  const operation = answers.get(problem.cause);
  if (operation?.answer.kind !== 'already-rotated') return undefined;
  const { caller, keyId, answer, invokedAtMs } = operation;
  const told = answer.replacement;
  if (told === undefined || rotations.get(told) !== problem.point) return undefined;
  return `caller ${caller} was told that ${told} took ${keyId}'s place, and ${replacements.replacementOf(told) ?? 'another key'} had replaced ${told} before it asked (${at(problem.point.latest)}; it asked ${at(invokedAtMs)})`;
}

/** Several points that take effect at one instant. */
function together(points: readonly Point[]): Point {
  const [latest] = points.toSorted((one, other) => other.earliest - one.earliest);
  return {
    what: points.map(({ what }) => what).join(' and '),
    why: latest?.why ?? '',
    earliest: latest?.earliest ?? 0,
    latest: points.reduce((end, point) => Math.min(end, point.latest), Infinity),
  };
}

/** Where no winner is known, a caller that could not know did it, and not before its call. */
function rotationPoint(keyId: string, operations: readonly RotationOperation[], at: (time: number) => string): Point {
  const what = `the rotation of ${keyId}`;
  const winner = operations.find(({ answer }) => answer.kind === 'rotated');
  if (winner !== undefined)
    return { what, why: told(winner, at), earliest: winner.invokedAtMs, latest: winner.completedAtMs };
  const [first] = operations
    .filter(({ answer }) => isDoubtful(answer))
    .toSorted((one, other) => one.invokedAtMs - other.invokedAtMs);
  const why = first === undefined ? 'nobody asked for it' : told(first, at);
  return { what, why, earliest: first?.invokedAtMs ?? 0, latest: Infinity };
}

interface Places {
  readonly start: PoolState;
  readonly order: Order;
  readonly at: (time: number) => string;
  readonly rotations: ReadonlyMap<string, Point>;
  readonly installs: ReadonlyMap<string, Point>;
  readonly stockEnd: Point | undefined;
  readonly brakeEnd: Point | undefined;
  /** What was answered, by the answer's point. */
  readonly answers: Map<Point, RotationOperation>;
}

/** An answer saw one state; that state lies after what made it and before what ended it. */
function placeAnswer(
  operation: RotationOperation,
  { start, order, at, rotations, installs, stockEnd, brakeEnd, answers }: Places,
): void {
  const { caller, keyId, answer, invokedAtMs: earliest, completedAtMs: latest } = operation;
  if (!PLACED.includes(answer.kind)) return;
  const what = `the answer ${answer.kind} for ${keyId} to caller ${caller}`;
  const point = order.add({ what, why: told(operation, at), earliest, latest });
  answers.set(point, operation);
  if (answer.kind === 'already-rotated') {
    order.precede(rotations.get(keyId), point);
    if (answer.replacement === undefined) return;
    order.precede(installs.get(answer.replacement), point);
    order.precede(point, rotations.get(answer.replacement)); // it was told as live
  } else if (answer.kind !== 'not-found') {
    // The key was live.
    order.precede(installs.get(keyId), point);
    order.precede(point, rotations.get(keyId));
    if (answer.kind === 'no-backup') order.precede(stockEnd, point);
    if (answer.kind === 'held-back') order.precede(brakeEnd, point);
  } else if (meansAnother(start, operation)) order.precede(rotations.get(keyId), point);
  else order.precede(point, installs.get(keyId));
}

/** Answers that say something of the pool at an instant, beside `rotated`, whose point is the rotation's. */
const PLACED: readonly string[] = ['already-rotated', 'no-backup', 'held-back', 'other-incarnation', 'not-found'];

/** As in `caller 1 asked for b1 at step 8.5 and was told not-found`. */
const told = ({ caller, keyId, invokedAtMs, answer }: RotationOperation, at: (time: number) => string): string =>
  `caller ${caller} asked for ${keyId} ${at(invokedAtMs)} and was ${answer.kind === 'crashed' ? 'never answered' : `told ${answer.kind}`}`;

const formatTime = (time: number, unit: RotationHistory['unit']): string =>
  unit === 'steps' ? `at step ${time.toFixed(1)}` : `at ${time.toFixed(1)} ms`;

function explain(problem: OrderProblem, at: (time: number) => string): string {
  if (problem.kind === 'late')
    return `no order explains ${problem.point.what} (answered ${at(problem.point.latest)}): ${problem.cause.why}`;
  const circle = problem.points.map(({ what }) => what).join(', before ');
  return `no order explains the answers, for they form a circle: ${circle}`;
}
