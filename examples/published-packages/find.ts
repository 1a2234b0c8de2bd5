/*
 * Explores the scenarios, and prints the simplest order that breaks the rule of each:
 * pnpm exec node examples/published-packages/find.ts
 */
import { formatRun, interleave } from 'mongo-interleave';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';
import type { Scenario } from './scenario.ts';
import { forEachScenario } from './scenarios.ts';

async function find<P>(uri: string, scenario: Scenario<P>): Promise<string> {
  await using session = await interleave({ ...scenario, uri, database: createDatabaseName('published') });
  const { classes, complete, violations } = await session.explore({ maxViolations: 1 });
  const [first] = violations;
  if (first === undefined) return `${classes} classes, ${complete ? 'complete' : 'not complete'}, no violation`;
  return formatRun(await session.shrink(first.token));
}

await using set = await startReplicaSet({ members: 1 });
await forEachScenario(async (name, scenario) => {
  process.stdout.write(`${name}:\n${await find(set.uri, scenario)}\n\n`);
});
