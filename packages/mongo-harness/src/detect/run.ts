import { MongoClient } from 'mongodb';
import { openGatedScenario } from '../explore/gated-scenario.ts';
import type { Context } from '../report/context.ts';
import type { StormSite } from '../storm/run.ts';
import { Workers } from '../storm/workers.ts';
import type { Mutant } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { detectByExploring } from './by-exploring.ts';
import { detectBySampling } from './by-sampling.ts';
import { detectByStorm, stormPlaceOf } from './by-storm.ts';
import { medianDetection, type Detection, type DetectionRow, type Strategy } from './detection.ts';
import type { TryLimits } from './try-limits.ts';

export interface DetectionEffort {
  /** Of what is a matter of luck; exploring goes the same way each time, and is tried once. */
  readonly tries: number;
  /** Of one try, in milliseconds. */
  readonly budgetMs: number;
  /** Of one exploration, in milliseconds. */
  readonly exploringBudgetMs: number;
  readonly seed: number;
}

/** Seeds of two tries are so far apart that their runs share none. */
const SEED_STEP = 1_000_003;

/** Looks for what is wrong with each mutant, in every way; what the signal leaves no time for is missing. */
export async function detectMutants<T extends SystemTypes>(
  context: Pick<Context<T>, 'system' | 'module' | 'progress' | 'signal'>,
  uri: string,
  mutants: readonly Mutant<T>[],
  effort: DetectionEffort,
  onRow: (row: DetectionRow) => void,
): Promise<DetectionRow[]> {
  const { system, module, progress, signal } = context;
  const client = new MongoClient(uri, { appName: `${system.name}-stress` });
  await using workers = new Workers<T>(module);
  try {
    const rows: DetectionRow[] = [];
    for (const [index, mutant] of mutants.entries()) {
      const looking = new Looking(`[${index + 1}/${mutants.length}] ${mutant.name}`, context);
      const { name: flow, breaks, depth, explorations } = mutant;
      const row = { flow, breaks, depth, place: explorations[0], by: looking.by };
      rows.push(row);
      if (signal.aborted) continue;
      await detectMutant(system, { client, uri, workers }, mutant, effort, signal, looking);
      progress.clear();
      onRow(row);
    }
    return rows;
  } finally {
    progress.clear();
    await client.close();
  }
}

async function detectMutant<T extends SystemTypes>(
  system: System<T>,
  site: StormSite<T>,
  mutant: Mutant<T>,
  effort: DetectionEffort,
  signal: AbortSignal,
  looking: Looking,
): Promise<void> {
  const place = stormPlaceOf(system, mutant);
  if (place !== undefined)
    await looking.look('storm', () =>
      tryOften(effort, signal, (limits) => detectByStorm(system, site, mutant, place, limits)),
    );
  const trial = { flow: mutant.name, ...mutant.explorations[0] };
  await using scenario = await openGatedScenario(judgedBy(system, mutant.breaks), site.uri, trial);
  for (const strategy of ['random', 'pct'] as const)
    await looking.look(strategy, () =>
      tryOften(effort, signal, (limits) => detectBySampling(scenario, strategy, mutant, limits)),
    );
  for (const strategy of ['exhaustive', 'crash'] as const)
    await looking.look(strategy, () =>
      detectByExploring(scenario, strategy, { budgetMs: effort.exploringBudgetMs, signal }),
    );
}

/** The system with these invariants alone: a mutant counts as caught where it breaks what its author says. */
export const judgedBy = <T extends SystemTypes>(system: System<T>, invariants: readonly string[]): System<T> => ({
  ...system,
  check: (run) => system.check(run).filter(({ invariant }) => invariants.includes(invariant)),
});

/** What has been seen of one mutant so far. */
class Looking {
  readonly by: Partial<Record<Strategy, Detection | null>> = {};
  readonly #head: string;
  readonly #context: Pick<Context<SystemTypes>, 'progress' | 'signal'>;

  constructor(head: string, context: Pick<Context<SystemTypes>, 'progress' | 'signal'>) {
    this.#head = head;
    this.#context = context;
  }

  async look(strategy: Strategy, detect: () => Promise<Detection | null>): Promise<void> {
    const { signal, progress } = this.#context;
    if (signal.aborted) return;
    progress.show(`${this.#head}, ${strategy}`);
    const detection = await detect().catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return null;
    });
    // What was ended in the middle tells nothing.
    if (detection !== null || !signal.aborted) this.by[strategy] = detection;
  }
}

/** The median of several tries; when half of them have seen nothing, so would the median. */
async function tryOften(
  { tries, budgetMs, seed }: DetectionEffort,
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
