/** A step of a run, and what had to come before it. */
export interface Placed<F> {
  readonly client: number;
  readonly footprint: F;
  /** By client: the number of its last step, from 1, that had to come before this one, which is among them. Steps are numbered through the run. */
  readonly clock: readonly number[];
}

/** Had the step with this index to come before that one? */
const isBefore = (earlier: number, client: number, { clock }: Placed<unknown>): boolean =>
  (clock[client] ?? 0) > earlier;

/**
 * Adds a step to a run.
 *
 * @returns it, and the earlier steps of other clients that it depends on, latest first
 */
export function place<F>(
  run: readonly Placed<F>[],
  { client, footprint }: Pick<Placed<F>, 'client' | 'footprint'>,
  dependent: (one: F, other: F) => boolean,
): { readonly step: Placed<F>; readonly races: readonly number[] } {
  const clock: number[] = Array.from({ length: Math.max(client + 1, ...run.map((one) => one.clock.length)) }, () => 0);
  const races: number[] = [];
  for (const [index, other] of [...run.entries()].toReversed()) {
    const isOwn = other.client === client;
    if (!isOwn && !dependent(other.footprint, footprint)) continue;
    if (!isOwn) races.push(index);
    for (const [one, count] of other.clock.entries()) clock[one] = Math.max(clock[one] ?? 0, count);
  }
  clock[client] = run.length + 1;
  return { step: { client, footprint, clock }, races };
}

/**
 * The steps with which an order can begin, right before step `earlier`, that has the last step of the run ahead of it: none of
 * what comes between has to come before these. The last step is among them, or needs one of them first.
 */
export function startsOfReversal(run: readonly Placed<unknown>[], earlier: number): number[] {
  const { client } = run[earlier] ?? { client: 0 };
  const ahead = [...run.entries()].filter(
    ([index, step]) => index > earlier && (index === run.length - 1 || !isBefore(earlier, client, step)),
  );
  return ahead
    .filter(([index, step]) => !ahead.some(([other, { client: of }]) => other < index && isBefore(other, of, step)))
    .map(([index]) => index);
}
