/** A step of a run, and which steps happened before it. */
export interface Placed<F> {
  readonly client: number;
  readonly footprint: F;
  /**
   * Vector clock: for each client the number of its last step that had to come before this one, this step included. Steps are numbered
   * through the whole run, from 1.
   */
  readonly clock: readonly number[];
}

/** Did the step with index `earlier`, of this client, have to come before the given step? */
const isBefore = (earlier: number, client: number, { clock }: Placed<unknown>): boolean =>
  (clock[client] ?? 0) > earlier;

/**
 * Adds a step to a run.
 *
 * @returns the step, and its races: the earlier steps of other clients that it depends on, latest first
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
 * The initials of a race reversal (source sets): the steps that can run first, in place of step `earlier`, in a schedule that has the
 * run's last step before step `earlier`.
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
