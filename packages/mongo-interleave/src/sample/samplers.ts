import type { Transition } from '../explore/sleep-set-search.ts';

/** A transition that may be done next, with what it would touch. */
export interface Pending<F> extends Transition {
  readonly predict: () => F;
}

/** Draws schedules, one run after the other. Pure: the caller executes. */
export interface Sampler<F> {
  /** @param enabled not empty */
  choose<P extends Pending<F>>(enabled: readonly P[], step: number): P;
  /** What the chosen one touched, and what else could have been done. */
  took(footprint: F, others: readonly Pending<F>[]): void;
  /** The run is over. */
  end(): void;
}

/** Any of what may be done, each as likely. Runs that end early are met too often. */
export const randomWalk = <F>(random: () => number): Sampler<F> => ({
  choose: (enabled) => pick(enabled, random),
  took: () => undefined,
  end: () => undefined,
});

/**
 * Uniform random walk (URW, ASPLOS'25): a client is picked in proportion to the commands that it has left. How many it sends in all
 * is taken from the runs before, on average; where the counts are exact and nothing waits, each order is as likely.
 */
export function uniformRandomWalk<F>(random: () => number): Sampler<F> {
  const total = new Map<number, number>();
  const sent = new Map<number, number>();
  let runs = 0;
  const left = ({ client }: Transition): number =>
    Math.max(1, (total.get(client) ?? 0) / Math.max(1, runs) - (sent.get(client) ?? 0));
  return {
    choose: (enabled) => {
      let at = random() * enabled.reduce((sum, one) => sum + left(one), 0);
      const chosen = enabled.find((one) => (at -= left(one)) < 0) ?? pick(enabled, random);
      sent.set(chosen.client, (sent.get(chosen.client) ?? 0) + 1);
      return chosen;
    },
    took: () => undefined,
    end: () => {
      runs++;
      for (const [client, count] of sent) total.set(client, (total.get(client) ?? 0) + count);
      sent.clear();
    },
  };
}

/** Steps of the first run, as long as none is known. */
const FIRST_LENGTH = 20;

/**
 * Probabilistic concurrency testing (PCT, ASPLOS'10): always the client with the highest priority, and at `depth` - 1 steps, drawn among those of
 * the longest run so far, it falls to the lowest. A bug that takes `depth` ordering constraints is met with a chance
 * of at least 1 / (clients * steps ^ (depth - 1)). What is longer goes on at random, so that retries end.
 */
export function prioritized<F>(random: () => number, depth: number): Sampler<F> {
  let longest: number | undefined;
  let steps = 0;
  let changes = drawChanges();
  const priorities = new Map<number, number>();

  /** Different steps, the first one aside; all of them where there are no more. */
  function drawChanges(): ReadonlySet<number> {
    const left = Array.from({ length: (longest ?? FIRST_LENGTH) - 1 }, (_, step) => step + 1);
    const count = Math.min(depth - 1, left.length);
    return new Set(Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)).flat());
  }
  const priorityOf = ({ client }: Transition): number => {
    const known = priorities.get(client) ?? 1 + random();
    priorities.set(client, known);
    return known;
  };
  return {
    choose: (enabled, step) => {
      steps = step + 1;
      if (step >= (longest ?? FIRST_LENGTH)) return pick(enabled, random);
      if (changes.has(step)) {
        const highest = maxBy(enabled, priorityOf);
        priorities.set(highest.client, -step);
      }
      return maxBy(enabled, priorityOf);
    },
    took: () => undefined,
    end: () => {
      longest = Math.max(longest ?? 0, steps);
      changes = drawChanges();
      priorities.clear();
    },
  };
}

/**
 * Partial order sampling (POS, CAV'18): each pending command has a random priority, and the highest goes. Those that race with it are drawn
 * again, so that which of two comes first is decided for each pair that matters.
 */
export function partialOrder<F>(random: () => number, dependent: (one: F, other: F) => boolean): Sampler<F> {
  const priorities = new Map<string, number>();
  const priorityOf = ({ id }: Transition): number => {
    const known = priorities.get(id) ?? random();
    priorities.set(id, known);
    return known;
  };
  return {
    choose: (enabled) => maxBy(enabled, priorityOf),
    took: (footprint, others) => {
      for (const { id, predict } of others) if (dependent(footprint, predict())) priorities.delete(id);
    },
    end: () => priorities.clear(),
  };
}

function pick<E>(all: readonly E[], random: () => number): E {
  const found = all[Math.floor(random() * all.length)];
  if (found === undefined) throw new TypeError('there is nothing to choose from');
  return found;
}

function maxBy<E>(all: readonly E[], valueOf: (one: E) => number): E {
  const values = all.map(valueOf);
  const found = all[values.indexOf(Math.max(...values))];
  if (found === undefined) throw new TypeError('there is nothing to choose from');
  return found;
}
