import { planCalls, runStorm, Workers } from 'mongo-harness/testing';
import { startReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { countOlderFlowDamage, type OlderFlowDamage } from '../src/checker/check-beside-older-flow.ts';
import { toRotationRun } from '../src/checker/rotation-run.ts';
import { COLUMNS, MEASURED, type Measured } from './older-flow-table.ts';
import rotationSystem from '../src/rotation-system.ts';
import type { RotationTypes } from '../src/model/rotation-types.ts';

/*
 * Prints the table of docs/rolling-out.md: what is wrong with a pool after a storm in which half of the processes, or all of them, have the flow
 * that a service had before. Ends with 1 where the reference broke what it promises.
 */

const ROUNDS = Number(process.argv[2] ?? 10);
const PROCESSES = 4;
/** Callers under way at once in each process; the others come as these are answered. */
const MAX_CONCURRENCY = 12;
const MAX_MS = 600_000;

const signal = AbortSignal.timeout(MAX_MS);
await using set = await startReplicaSet();
await using client = new MongoClient(set.uri);
await using workers = new Workers<RotationTypes>(new URL('../src/rotation-system.ts', import.meta.url).href);

/** @returns what is wrong afterwards, and how often the reference broke a promise */
async function rage({ flow, deployment }: Measured, seed: number): Promise<[OlderFlowDamage, number]> {
  const trial = { flow, scenario: 'older-flow', deployment };
  const plan = planCalls(rotationSystem, { ...trial, size: {}, seed });
  const site = { client, uri: set.uri, workers };
  const options = {
    plan,
    processes: PROCESSES,
    maxConcurrency: MAX_CONCURRENCY,
    judged: 'every-commit',
    signal,
  } as const;
  const { run } = await runStorm(rotationSystem, site, trial, options);
  return [countOlderFlowDamage(toRotationRun(run)), rotationSystem.check(run).length];
}

/** As in `54 (46 to 61)`: the median, and the lowest and the highest where they differ. */
function summarize(figures: readonly number[]): string {
  const sorted = figures.toSorted((a, b) => a - b);
  const [lowest, median, highest] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return lowest === highest ? String(median) : `${median} (${lowest} to ${highest})`;
}

const line = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);

line(COLUMNS.map(({ title }) => title));
line(COLUMNS.map(() => '---'));
for (const measured of MEASURED) {
  const damages: OlderFlowDamage[] = [];
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const [damage, violations] = await rage(measured, seed);
    damages.push(damage);
    if (measured.flow === 'reference' && violations > 0) process.exitCode = 1;
  }
  line(COLUMNS.map(({ cell }) => (typeof cell === 'string' ? measured[cell] : summarize(damages.map(cell)))));
}
