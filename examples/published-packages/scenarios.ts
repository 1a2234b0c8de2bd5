import { firstEvery } from './agenda-first-start.ts';
import { everyThenStart, startOnly, startThenEvery } from './agenda.ts';
import { firstSave } from './auto-increment.ts';
import { upTwice } from './migrate-mongo.ts';
import type { Scenario } from './scenario.ts';

/** Runs one after the other, whatever each prepares. */
export async function forEachScenario(
  visit: <P, T>(name: string, scenario: Scenario<P, T>) => Promise<void>,
): Promise<void> {
  await visit('agenda, start() then every(), one process', startThenEvery);
  await visit('agenda, every() then start(), one process', everyThenStart(1));
  await visit('agenda, every() then start(), two processes', everyThenStart(2));
  await visit('agenda, start() only, two processes', startOnly);
  await visit('agenda, every() of a new job, two processes', firstEvery);
  await visit('migrate-mongo, up() twice', upTwice);
  await visit('@typegoose/auto-increment, first save twice', firstSave);
}
