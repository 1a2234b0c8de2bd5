/*
 * Explores the scenarios, and prints an order that breaks the rule of each:
 * pnpm exec node examples/published-packages/find.ts
 * With --update, the page shows what was printed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { formatRun, interleave } from 'mongo-interleave';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';
import type { Scenario } from './scenario.ts';
import { forEachScenario } from './scenarios.ts';

const PAGE = new URL('README.md', import.meta.url);

async function find<P, T>(uri: string, scenario: Scenario<P, T>): Promise<string> {
  await using session = await interleave({ ...scenario, uri, database: createDatabaseName('published') });
  // The simplest schedules first: most races need a single preemption.
  const [simple] = (await session.explore({ maxPreemptions: 1, maxViolations: 1 })).violations;
  if (simple !== undefined) return formatRun(simple);
  const { classes, complete, violations } = await session.explore({ maxViolations: 1 });
  const [first] = violations;
  if (first !== undefined) return formatRun(first);
  return `${classes} classes, ${complete ? 'complete' : 'not complete'}, no violation`;
}

/** Puts what was found into the block below the scenario's name, if the page has such a block. */
function withFound(page: string, name: string, found: string): string {
  const [before = '', after] = page.split(`\n${name}:\n\n\`\`\`\n`);
  if (after === undefined) return page;
  return `${before}\n${name}:\n\n\`\`\`\n${found}${after.slice(after.indexOf('\n```\n'))}`;
}

async function main(isUpdate: boolean): Promise<void> {
  await using set = await startReplicaSet({ members: 1 });
  let page = await readFile(PAGE, 'utf8');
  await forEachScenario(async (name, scenario) => {
    const found = await find(set.uri, scenario);
    process.stdout.write(`${name}:\n${found}\n\n`);
    page = withFound(page, name, found);
  });
  if (isUpdate) await writeFile(PAGE, page);
}

await main(process.argv.includes('--update'));
// Agenda leaves timers behind, which would keep the process for minutes.
process.exit();
