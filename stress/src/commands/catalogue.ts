import type { CatalogueOptions } from '../catalogue/command-line.ts';
import type { Detections } from '../catalogue/detection.ts';
import { formatDetections, formatHeading } from '../catalogue/format-detections.ts';
import { runCatalogue } from '../catalogue/run-catalogue.ts';
import { survivorsOf } from '../catalogue/survivors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { say } from '../report/say.ts';
import { knownBad } from '../subjects/index.ts';
import { exploringSet, saySet, startSet, type CommandContext } from './context.ts';

const MS_PER_SECOND = 1_000;
/** An exploration has no luck that another try could bring; it may cost more than a try. */
const EXPLORING_BUDGET_FACTOR = 20;

/** The detection table; a line is shown as soon as it is complete. */
export async function catalogue(options: CatalogueOptions, context: CommandContext): Promise<ExitCode> {
  const { subject: only, tries, budget, seed, json } = options;
  const subjects = knownBad.filter(({ name }) => only === undefined || name === only);
  await using set = await startSet({ ...options, ...exploringSet }, context);
  if (!json) {
    saySet(set, `; seed ${seed}`);
    say(formatHeading(subjects));
  }
  const budgetMs = budget * MS_PER_SECOND;
  const effort = { tries, budgetMs, exploringBudgetMs: EXPLORING_BUDGET_FACTOR * budgetMs, seed };
  const rows = await runCatalogue(set.uri, subjects, effort, context, (row) => {
    if (!json) say(formatDetections(subjects, row));
  });
  const exitCode = context.interrupted.aborted ? exitCodes.interrupted : exitCodeOf(rows);
  if (json)
    say(JSON.stringify({ version: 1, seed, tries, budgetSeconds: budget, exitCode, flows: rows }, undefined, 2));
  else sayWhoSurvived(rows);
  return exitCode;
}

function exitCodeOf(rows: readonly Detections[]): ExitCode {
  const { survived, untried } = survivorsOf(rows);
  if (survived.length > 0) return exitCodes.violated;
  return untried.length > 0 ? exitCodes.unknown : exitCodes.valid;
}

function sayWhoSurvived(rows: readonly Detections[]): void {
  const { survived, untried } = survivorsOf(rows);
  const caught = rows.length - survived.length - untried.length;
  say(`\n${caught} of ${rows.length} flows were caught by every interleaving, or by a fault at every command`);
  if (survived.length > 0) say(`survived: ${survived.join(', ')}`);
  if (untried.length > 0) say(`no time was left for: ${untried.join(', ')}`);
}
