import type { MongoClient } from 'mongodb';
import { scenarios } from '../scenarios/index.ts';
import { seededRandom } from '../seeded-random.ts';
import { runStorm } from '../storm/run-storm.ts';
import type { Workers } from '../storm/workers.ts';
import { choiceOf } from '../subjects/index.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';
import type { Detection } from './detection.ts';
import type { TryLimits } from './try-limits.ts';

/** Enough for each process to have them queue up, few enough for a storm to be over in well under a second. */
const CALLERS = 100;

/** The storms that are the pair scenarios in large; an operator comes in none. */
const stormOf: ReadonlyMap<string, string> = new Map([
  ['same-key', 'same-key'],
  ['two-keys', 'many-keys'],
  ['two-keys-one-backup', 'scarce'],
  ['chain', 'chain'],
]);

/** The place of the storms that look for this flow; none where no storm is like its pair scenario. */
export function stormPlaceOf({
  caughtBy,
  shownBy,
}: KnownBadSubject): { scenario: string; adapter: string } | undefined {
  const [known] = caughtBy;
  if (known !== undefined) return known;
  const scenario = stormOf.get(shownBy.scenario);
  return scenario === undefined ? undefined : { scenario, adapter: shownBy.adapter };
}

/** Lets storms of 100 callers rage, one after the other, until one breaks a promise of the flow's, or until the budget ends. */
export async function detectByStorm(
  mongo: { readonly client: MongoClient; readonly uri: string; readonly workers: Workers },
  subject: KnownBadSubject,
  { seed, budgetMs, signal }: TryLimits,
): Promise<Detection | null> {
  const place = stormPlaceOf(subject);
  const scenario = scenarios.get(place?.scenario ?? '');
  if (place === undefined || scenario === undefined) return null;
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  for (let runs = 1; elapsedMs() < budgetMs && !signal.aborted; runs++) {
    const { violations } = await runStorm(mongo.client, mongo.uri, mongo.workers, {
      plan: scenario.plan({ callers: CALLERS }, seededRandom(seed + runs)),
      subject: choiceOf(subject),
      adapter: place.adapter,
      processes: 1,
      concurrency: subject.concurrency ?? CALLERS,
      signal,
    });
    if (violations.some(({ promise }) => subject.breaks.includes(promise)))
      return { runs, seconds: elapsedMs() / 1_000 };
  }
  return null;
}
