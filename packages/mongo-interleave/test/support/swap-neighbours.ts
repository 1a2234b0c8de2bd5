import type { Db } from 'mongodb';
import type { Chooser, Taken } from '../../src/execute-run.ts';
import type { Footprint } from '../../src/footprint/footprint.ts';
import { InterleaveError, formatToken, type Choice } from '../../src/index.ts';
import type { Lane } from '../../src/lane.ts';
import { randomWalk } from '../../src/sample/samplers.ts';
import { replayChooser } from '../../src/schedule/replay.ts';
import { formatTrace } from '../../src/schedule/trace.ts';

interface Observed {
  readonly taken: readonly Taken[];
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
  lane: Lane<unknown>,
  db: Db,
  mayCommute: (one: Footprint, other: Footprint) => boolean,
  { schedules, random }: { readonly schedules: number; readonly random: () => number },
): Promise<Swaps> {
  const differences: string[] = [];
  let swapped = 0;
  for (let schedule = 0; schedule < schedules; schedule++) {
    const { taken, seen } = await observe(lane, db, randomChooser(random));
    const choices = taken.map(({ choice }) => choice);
    for (const [at, one] of taken.entries()) {
      const other = taken[at + 1];
      if (other === undefined || one.choice.client === other.choice.client) continue;
      if (!one.offered.includes(other.choice.client) || !mayCommute(one.footprint, other.footprint)) continue;
      swapped++;
      const otherSeen = await observeOther(lane, db, choices.toSpliced(at, 2, other.choice, one.choice));
      const line = seen.findIndex((text, index) => text !== otherSeen[index]);
      if (line !== -1 || seen.length !== otherSeen.length)
        differences.push(`${formatToken(choices)}, step ${at + 1}: ${seen[line]}\n${otherSeen[line]}`);
    }
  }
  return { swapped, differences };
}

function randomChooser(random: () => number): Chooser {
  const walk = randomWalk<Footprint>(random);
  return {
    choose: (offers, step) =>
      walk.choose(
        offers.map((offer) => ({ ...offer, client: offer.choice.client })),
        step,
      ),
    took: () => undefined,
  };
}

async function observe(lane: Lane<unknown>, db: Db, chooser: Chooser): Promise<Observed> {
  const { taken, trace, outcomes } = await lane.execute(chooser);
  // Who waits for whom at a step is the schedule's, not the step's.
  const steps = trace.map(({ waiting, ...step }) => step);
  const replies = outcomes.map((_, client) => formatTrace(steps.filter((step) => step.client === client)));
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  const data = await Promise.all(
    collections
      .map(({ name }) => name)
      .toSorted()
      .map((name) => db.collection(name).find().toArray()),
  );
  const documents = data.flatMap((all) => all.map((one) => withoutIds(JSON.stringify(one))).toSorted());
  const ends = outcomes.map((outcome) => JSON.stringify(outcome));
  return { taken, seen: [...documents, ...replies.flatMap((text) => text.split('\n')), ...ends].map(withoutIds) };
}

/** ObjectIds are made anew in each run. */
const withoutIds = (text: string): string => text.replaceAll(/"[0-9a-f]{24}"|ObjectId#\d+/g, 'ObjectId');

/** The other order may be none that can be. */
const observeOther = (lane: Lane<unknown>, db: Db, choices: readonly Choice[]): Promise<readonly string[]> =>
  observe(lane, db, replayChooser(choices)).then(
    ({ seen }) => seen,
    (error: unknown) => {
      if (error instanceof InterleaveError && error.code === 'diverged') return [error.message];
      throw error;
    },
  );
