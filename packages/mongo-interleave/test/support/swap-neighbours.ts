import type { Db } from 'mongodb';
import type { Footprint } from '../../src/footprint/footprint.ts';
import { InterleaveError, formatToken, type Choice } from '../../src/index.ts';
import type { ExecutedStep } from '../../src/run/execution.ts';
import { formatTrace } from '../../src/run/format-run.ts';
import type { Worker } from '../../src/run/worker.ts';
import type { Scheduler } from '../../src/schedule/scheduler.ts';
import { randomWalk } from '../../src/strategy/samplers.ts';
import { replayScheduler } from '../../src/strategy/replay.ts';

interface Observed {
  readonly steps: readonly ExecutedStep[];
  /** Data, each client's steps and replies, and how it ended: a line each. */
  readonly seen: readonly string[];
}

export interface Swaps {
  /** Pairs of neighbours that were swapped. */
  readonly swapped: number;
  /** Those whose order was seen to matter: the first line that differs. */
  readonly differences: readonly string[];
}

/** Draws schedules, swaps the neighbours that `mayCommute`, each pair by itself, and looks if anything is different then. */
export async function swapNeighbours(
  worker: Worker<unknown>,
  db: Db,
  mayCommute: (one: Footprint, other: Footprint) => boolean,
  { schedules, random }: { readonly schedules: number; readonly random: () => number },
): Promise<Swaps> {
  const differences: string[] = [];
  let swapped = 0;
  for (let schedule = 0; schedule < schedules; schedule++) {
    const { steps, seen } = await observe(worker, db, randomScheduler(random));
    const choices = steps.map(({ choice }) => choice);
    for (const [at, one] of steps.entries()) {
      const other = steps[at + 1];
      if (other === undefined || one.choice.client === other.choice.client) continue;
      if (!one.enabledClients.includes(other.choice.client) || !mayCommute(one.footprint, other.footprint)) continue;
      swapped++;
      const otherSeen = await observeOther(worker, db, choices.toSpliced(at, 2, other.choice, one.choice));
      const line = seen.findIndex((text, index) => text !== otherSeen[index]);
      if (line !== -1 || seen.length !== otherSeen.length)
        differences.push(`${formatToken(choices)}, step ${at + 1}: ${seen[line]}\n${otherSeen[line]}`);
    }
  }
  return { swapped, differences };
}

function randomScheduler(random: () => number): Scheduler {
  const walk = randomWalk<Footprint>(random);
  return {
    next: (enabled, step) =>
      walk.next(
        enabled.map((one) => ({ ...one, client: one.choice.client })),
        step,
      ),
    executed: () => undefined,
  };
}

async function observe(worker: Worker<unknown>, db: Db, scheduler: Scheduler): Promise<Observed> {
  const { steps, trace, outcomes } = await worker.execute(scheduler);
  // Who waits for whom at a step is the schedule's, not the step's.
  const traced = trace.map(({ waiting, ...step }) => step);
  const replies = outcomes.map((_, client) => formatTrace(traced.filter((step) => step.client === client)));
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  const data = await Promise.all(
    collections
      .map(({ name }) => name)
      .toSorted()
      .map((name) => db.collection(name).find().toArray()),
  );
  const documents = data.flatMap((all) => all.map((one) => withoutIds(JSON.stringify(one))).toSorted());
  const ends = outcomes.map((outcome) => JSON.stringify(outcome));
  return { steps, seen: [...documents, ...replies.flatMap((text) => text.split('\n')), ...ends].map(withoutIds) };
}

/** ObjectIds are made anew in each run. */
const withoutIds = (text: string): string => text.replaceAll(/"[0-9a-f]{24}"|ObjectId#\d+/g, 'ObjectId');

/** The other order may be none that can be. */
const observeOther = (worker: Worker<unknown>, db: Db, choices: readonly Choice[]): Promise<readonly string[]> =>
  observe(worker, db, replayScheduler(choices)).then(
    ({ seen }) => seen,
    (error: unknown) => {
      if (error instanceof InterleaveError && error.code === 'diverged') return [error.message];
      throw error;
    },
  );
