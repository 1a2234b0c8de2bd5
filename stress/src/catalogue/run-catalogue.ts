import { MongoClient } from 'mongodb';
import type { Progress } from '../report/progress.ts';
import { Workers } from '../storm/workers.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';
import { detectByExploring } from './detect-by-exploring.ts';
import { detectBySampling } from './detect-by-sampling.ts';
import { detectByStorm, stormPlaceOf } from './detect-by-storm.ts';
import { medianDetection, type Detection, type Detections, type Strategy } from './detection.ts';
import { openShowingRace } from './open-showing-race.ts';
import type { TryLimits } from './try-limits.ts';

export interface CatalogueEffort {
  /** Of what is a matter of luck; exploring goes the same way each time, and is tried once. */
  readonly tries: number;
  /** Of one try, in milliseconds. */
  readonly budgetMs: number;
  /** Of one exploration, in milliseconds. */
  readonly exploringBudgetMs: number;
  readonly seed: number;
}

/** Looks for what is wrong with each flow, in every way; what the signal leaves no time for is missing. */
export async function runCatalogue(
  uri: string,
  subjects: readonly KnownBadSubject[],
  effort: CatalogueEffort,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
  onRow: (row: Detections) => void,
): Promise<Detections[]> {
  const client = new MongoClient(uri, { appName: 'rotation-stress' });
  await using workers = new Workers();
  try {
    const rows: Detections[] = [];
    for (const [index, subject] of subjects.entries()) {
      const { name, breaks, depth, shownBy } = subject;
      const by: Partial<Record<Strategy, Detection | null>> = {};
      const row = { subject: { name, breaks, depth, shownBy }, by };
      rows.push(row);
      if (signal.aborted) continue;
      const look = async (strategy: Strategy, detect: () => Promise<Detection | null>): Promise<void> => {
        if (signal.aborted) return;
        progress.show(`[${index + 1}/${subjects.length}] ${subject.name}, ${strategy}`);
        const detection = await detect().catch((error: unknown) => {
          if (!signal.aborted) throw error;
          return null;
        });
        // What was ended in the middle tells nothing.
        if (detection !== null || !signal.aborted) by[strategy] = detection;
      };
      if (stormPlaceOf(subject) !== undefined)
        await look('storm', () =>
          tryOften(effort, signal, (limits) => detectByStorm({ client, uri, workers }, subject, limits)),
        );
      await using race = await openShowingRace(uri, subject);
      for (const strategy of ['random', 'pct'] as const)
        await look(strategy, () =>
          tryOften(effort, signal, (limits) => detectBySampling(race, strategy, subject, limits)),
        );
      for (const strategy of ['exhaustive', 'crash'] as const)
        await look(strategy, () => detectByExploring(race, strategy, { budgetMs: effort.exploringBudgetMs, signal }));
      progress.clear();
      onRow(row);
    }
    return rows;
  } finally {
    progress.clear();
    await client.close();
  }
}

/** The median of several tries; when half of them have seen nothing, so would the median. */
async function tryOften(
  { tries, budgetMs, seed }: CatalogueEffort,
  signal: AbortSignal,
  detect: (limits: TryLimits) => Promise<Detection | null>,
): Promise<Detection | null> {
  const all: (Detection | null)[] = [];
  for (let number = 0; number < tries && !signal.aborted; number++) {
    all.push(await detect({ seed: seed + number * SEED_STEP, budgetMs, signal }));
    if (all.filter((detection) => detection === null).length > tries / 2) return null;
  }
  return medianDetection(all);
}

/** Seeds of two tries are so far apart that their runs share none. */
const SEED_STEP = 1_000_003;
