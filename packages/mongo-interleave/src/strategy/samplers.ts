import type { Transition } from './transition.ts';

/** An enabled transition, with the footprint that it will have. */
export interface Pending<F> extends Pick<Transition, 'id' | 'client'> {
  readonly predict: () => F;
}

/** Draws schedules, one run after the other. Pure: the caller executes. For each run, call `next` and `executed` in turn, then `end`. */
export interface Sampler<F> {
  /**
   * @param enabled not empty
   * @param step counts the steps of the run, from 0
   */
  next<P extends Pending<F>>(enabled: readonly P[], step: number): P;
  /** The footprint of the transition that `next` returned, and the other transitions that were enabled. */
  executed(footprint: F, others: readonly Pending<F>[]): void;
  /** The current run is over. */
  end(): void;
}

/** Random walk: each enabled transition is equally likely. Favours schedules in which clients end early. */
export const randomWalk = <F>(random: () => number): Sampler<F> => ({
  next: (enabled) => pick(enabled, random),
  executed: () => undefined,
  end: () => undefined,
});

/**
 * Uniform random walk (URW, ASPLOS'25): a client is picked in proportion to the number of commands it has left. The total number is the
 * average of earlier runs. If the numbers are exact and no command waits for another, all schedules are equally likely.
 */
export function uniformRandomWalk<F>(random: () => number): Sampler<F> {
  const total = new Map<number, number>();
  const sent = new Map<number, number>();
  let runs = 0;
  const left = ({ client }: Pick<Transition, 'client'>): number =>
    Math.max(1, (total.get(client) ?? 0) / Math.max(1, runs) - (sent.get(client) ?? 0));
  return {
    next: (enabled) => {
      let at = random() * enabled.reduce((sum, one) => sum + left(one), 0);
      const chosen = enabled.find((one) => (at -= left(one)) < 0) ?? pick(enabled, random);
      sent.set(chosen.client, (sent.get(chosen.client) ?? 0) + 1);
      return chosen;
    },
    executed: () => undefined,
    end: () => {
      runs++;
      for (const [client, count] of sent) total.set(client, (total.get(client) ?? 0) + count);
      sent.clear();
    },
  };
}

/** Assumed number of steps in the first run. */
const FIRST_LENGTH = 20;

/**
 * Probabilistic concurrency testing (PCT, ASPLOS'10): the client with the highest priority runs. At `depth` - 1 random steps, its
 * priority becomes the lowest. Finds a bug of `depth` ordering constraints with a probability of at least
 * 1 / (clients * steps ^ (depth - 1)). Steps beyond the longest run so far are a random walk, so that retries end.
 */
export function prioritized<F>(random: () => number, depth: number): Sampler<F> {
  let longest: number | undefined;
  let steps = 0;
  let changes = drawChanges();
  const priorities = new Map<number, number>();

  /** Draws distinct steps, never the first step; all of them if there are no more. */
  function drawChanges(): ReadonlySet<number> {
    const left = Array.from({ length: (longest ?? FIRST_LENGTH) - 1 }, (_, step) => step + 1);
    const count = Math.min(depth - 1, left.length);
    return new Set(Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)).flat());
  }
  const priorityOf = ({ client }: Pick<Transition, 'client'>): number => {
    const known = priorities.get(client) ?? 1 + random();
    priorities.set(client, known);
    return known;
  };
  return {
    next: (enabled, step) => {
      steps = step + 1;
      if (step >= (longest ?? FIRST_LENGTH)) return pick(enabled, random);
      if (changes.has(step)) {
        const highest = maxBy(enabled, priorityOf);
        priorities.set(highest.client, -step);
      }
      return maxBy(enabled, priorityOf);
    },
    executed: () => undefined,
    end: () => {
      longest = Math.max(longest ?? 0, steps);
      changes = drawChanges();
      priorities.clear();
    },
  };
}

/**
 * Partial order sampling (POS, CAV'18): each pending command has a random priority, and the command with the highest priority runs. The
 * priorities of the commands that race with it are drawn again, so that the order of each racing pair is decided independently.
 */
export function partialOrder<F>(random: () => number, dependent: (one: F, other: F) => boolean): Sampler<F> {
  const priorities = new Map<string, number>();
  const priorityOf = ({ id }: Pick<Transition, 'id'>): number => {
    const known = priorities.get(id) ?? random();
    priorities.set(id, known);
    return known;
  };
  return {
    next: (enabled) => maxBy(enabled, priorityOf),
    executed: (footprint, others) => {
      for (const { id, predict } of others) if (dependent(footprint, predict())) priorities.delete(id);
    },
    end: () => priorities.clear(),
  };
}

function pick<E>(all: readonly E[], random: () => number): E {
  const found = all[Math.floor(random() * all.length)];
  if (found === undefined) throw new TypeError('No step is enabled.');
  return found;
}

function maxBy<E>(all: readonly E[], valueOf: (one: E) => number): E {
  const values = all.map(valueOf);
  const found = all[values.indexOf(Math.max(...values))];
  if (found === undefined) throw new TypeError('No step is enabled.');
  return found;
}
