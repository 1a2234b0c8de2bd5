import { isDoubtful, type History, type Operation } from '../history.ts';
import type { PoolState } from '../pool-state.ts';
import { groupBy, type Succession } from './succession.ts';
import type { Violation } from './violation.ts';

const calledItself = 'it was called';

/** Something that takes effect at one instant of its window. */
interface Point {
  readonly what: string;
  /** Not before; raised along the edges. */
  earliestMs: number;
  /** What raised it last, for the sentence. */
  because: string;
  readonly latestMs: number;
  readonly after: Set<Point>;
}

/**
 * I7: is there an order of all rotations and answers that the sequential pool explains, in which each takes effect between its
 * call and its answer?
 *
 * Ids are unique, so what an answer saw names what it must come after and before: the edges are known, nothing is searched. With
 * edges and windows alone, an order exists exactly when pushing the earliest instants along the edges never passes a
 * window's end (place every point at its earliest instant, ties in the order of the edges). Linear in operations.
 *
 * Call it only where I1 to I5 hold, for a doubled rotation has no one place in an order.
 */
export function checkOrder(start: PoolState, history: History, succession: Succession): Violation[] {
  const points: Point[] = [];
  const add = (what: string, earliestMs: number, latestMs: number): Point => {
    const point = { what, earliestMs, because: calledItself, latestMs, after: new Set<Point>() };
    points.push(point);
    return point;
  };
  const byKey = groupBy(history.operations, ({ keyId }) => keyId);

  // The rotations of this run: one point each, at the winner's window, or open-ended where no winner is known.
  const rotations = new Map<string, Point>();
  const installs = new Map<string, Point>();
  for (const keyId of succession.takenFor.keys()) {
    const operations = byKey.get(keyId) ?? [];
    const winner = operations.find(({ outcome }) => outcome.kind === 'rotated');
    const rotation = add(
      `rotation of ${keyId}`,
      winner?.invokedAtMs ?? firstDoubtMs(operations),
      winner?.completedAtMs ?? Number.POSITIVE_INFINITY,
    );
    rotations.set(keyId, rotation);
    const replacement = succession.replacementOf(keyId);
    if (replacement !== undefined) installs.set(replacement, rotation);
  }
  const precede = (first: Point | undefined, second: Point | undefined): void => {
    if (first !== undefined && second !== undefined && first !== second) first.after.add(second);
  };
  for (const [keyId, rotation] of rotations) precede(installs.get(keyId), rotation);

  const freeAtStart = [...start.backups.values()].filter(({ isUsed }) => !isUsed).length;
  const stockEnd = rotations.size >= freeAtStart ? add('end of stock', 0, Number.POSITIVE_INFINITY) : undefined;
  if (stockEnd !== undefined) for (const rotation of rotations.values()) precede(rotation, stockEnd);

  for (const operation of history.operations) placeAnswer(operation, { add, precede, rotations, installs, stockEnd });
  return pushEarliest(points, history.unit ?? 'ms');
}

/** Where no winner is known, one of those did it who could not know, and not before its call. */
function firstDoubtMs(operations: readonly Operation[]): number {
  const doubtful = operations.filter(({ outcome }) => isDoubtful(outcome));
  return doubtful.reduce((min, { invokedAtMs }) => Math.min(min, invokedAtMs), doubtful[0]?.invokedAtMs ?? 0);
}

interface Places {
  readonly add: (what: string, earliestMs: number, latestMs: number) => Point;
  readonly precede: (first: Point | undefined, second: Point | undefined) => void;
  readonly rotations: ReadonlyMap<string, Point>;
  readonly installs: ReadonlyMap<string, Point>;
  readonly stockEnd: Point | undefined;
}

/** An answer saw one state; that state lies after what made it and before what ended it. */
function placeAnswer(operation: Operation, { add, precede, rotations, installs, stockEnd }: Places): void {
  const { caller, keyId, outcome, invokedAtMs, completedAtMs } = operation;
  if (outcome.kind !== 'already-rotated' && outcome.kind !== 'no-backup' && outcome.kind !== 'not-found') return;
  const answer = add(`caller ${caller}'s ${outcome.kind} for ${keyId}`, invokedAtMs, completedAtMs);
  if (outcome.kind === 'already-rotated') {
    precede(rotations.get(keyId), answer);
    if (outcome.replacement === undefined) return;
    precede(installs.get(outcome.replacement), answer);
    precede(answer, rotations.get(outcome.replacement)); // it was told as live
  } else if (outcome.kind === 'no-backup') {
    precede(installs.get(keyId), answer);
    precede(answer, rotations.get(keyId));
    precede(stockEnd, answer);
  } else precede(answer, installs.get(keyId));
}

/** Pushes earliest instants along the edges, in topological order; what is left over lies on a cycle. */
function pushEarliest(points: readonly Point[], unit: string): Violation[] {
  const waiting = new Map<Point, number>(points.map((point) => [point, 0]));
  for (const point of points) for (const next of point.after) waiting.set(next, (waiting.get(next) ?? 0) + 1);
  const ready = points.filter((point) => waiting.get(point) === 0);
  const violations: Violation[] = [];
  let placed = 0;
  for (let point = ready.pop(); point !== undefined; point = ready.pop()) {
    placed++;
    if (point.earliestMs > point.latestMs)
      violations.push({
        promise: 'I7',
        sentence: `no order explains ${point.what}: it was over at ${point.latestMs.toFixed(1)} ${unit}, but can't have come before ${point.earliestMs.toFixed(1)} ${unit}, when ${point.because}`,
      });
    for (const next of point.after) {
      if (point.earliestMs > next.earliestMs) {
        next.earliestMs = point.earliestMs;
        next.because = point.because === calledItself ? `the ${point.what} was called` : point.because;
      }
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (placed < points.length) {
    const circle = findCircle(points.filter((point) => (waiting.get(point) ?? 0) > 0));
    violations.push({
      promise: 'I7',
      sentence: `no order explains what was told, for it goes round in a circle: ${circle.map(({ what }) => what).join(', before ')}`,
    });
  }
  return violations;
}

/** One circle among points that each have one of the others before them: going back from any of them ends in it. */
function findCircle(points: readonly Point[]): Point[] {
  const before = new Map<Point, Point>();
  for (const point of points) for (const next of point.after) before.set(next, point);
  const passed = new Set<Point>();
  let point = points[0];
  for (; point !== undefined && !passed.has(point); point = before.get(point)) passed.add(point);
  const way = [...passed];
  return way.slice(point === undefined ? 0 : way.indexOf(point)).toReversed();
}
