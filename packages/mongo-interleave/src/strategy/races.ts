/** A step of a run, and which steps happened before it. */
export interface Placed<F> {
  readonly footprint: F;
  /** The steps that had to come before this one, this step included: bit n is the step with index n. */
  readonly before: bigint;
}

/** Did the step with index `earlier` have to come before the given step? */
const isBefore = (earlier: number, { before }: Placed<unknown>): boolean => ((before >> BigInt(earlier)) & 1n) === 1n;

/** How a step relates to an earlier step of a run. */
export type Relation =
  /** The step could not have come first: the client sent its command after it had the reply to the earlier one. */
  | 'ordered'
  /** It could have, and the order may matter. */
  | 'race'
  | 'independent';

/**
 * Adds a step to a run.
 *
 * @param relate how the step relates to the earlier step with this index
 * @returns the step, and its races: the earlier steps that it depends on, although it could have come before them, latest first
 */
export function place<F>(
  run: readonly Placed<F>[],
  footprint: F,
  relate: (index: number) => Relation,
): { readonly step: Placed<F>; readonly races: readonly number[] } {
  let before = 1n << BigInt(run.length);
  const races: number[] = [];
  for (const [index, other] of [...run.entries()].toReversed()) {
    const relation = relate(index);
    if (relation === 'independent') continue;
    if (relation === 'race') races.push(index);
    before |= other.before;
  }
  return { step: { footprint, before }, races };
}

/**
 * The initials of a race reversal (source sets): the steps that can run first, in place of step `earlier`, in a schedule that has the
 * run's last step before step `earlier`.
 */
export function startsOfReversal(run: readonly Placed<unknown>[], earlier: number): number[] {
  const ahead = [...run.entries()].filter(
    ([index, step]) => index > earlier && (index === run.length - 1 || !isBefore(earlier, step)),
  );
  return ahead
    .filter(([index, step]) => !ahead.some(([other]) => other < index && isBefore(other, step)))
    .map(([index]) => index);
}
