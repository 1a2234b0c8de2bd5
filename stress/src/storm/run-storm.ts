import { setTimeout as sleep } from 'node:timers/promises';
import type { Db, MongoClient } from 'mongodb';
import { createDatabaseName } from 'mongo-replica-set';
import type { Pool } from 'rotation-core';
import { adapters } from '../adapters.ts';
import { checkRun } from '../checker/check-run.ts';
import { checkWaste } from '../checker/check-waste.ts';
import { hasRaced, measureContention, type Contention } from '../checker/contention.ts';
import { readSuccession } from '../checker/succession.ts';
import type { Violation } from '../checker/violation.ts';
import { mergeHistories, type History } from '../history.ts';
import { readPoolState, type PoolState } from '../pool-state.ts';
import type { Plan } from '../scenarios/scenario.ts';
import type { SubjectChoice } from '../subjects/index.ts';
import { fillPool } from './fill-pool.ts';
import type { Workers } from './workers.ts';

/** One run: which flow, on which pool, in how many processes. */
export interface StormOptions {
  readonly plan: Plan;
  readonly subject: SubjectChoice;
  readonly adapter: string;
  readonly processes: number;
  /** Callers under way at once in each process, at most. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

export type Verdict = 'valid' | 'violated' | 'unknown';

export interface StormResult {
  readonly verdict: Verdict;
  readonly violations: readonly Violation[];
  readonly contention: Contention;
  readonly history: History;
  /** Committed states that were looked at while it ran. */
  readonly statesBetween: number;
  readonly durationMs: number;
  /** Backups that the run used, and those of them that took no key's place. */
  readonly backupsUsed: number;
  readonly backupsWasted: number;
}

/** Pause between two looks at the pool, so that looking does not become the load. */
const LOOK_PAUSE_MS = 25;
const LOOKS_MAX = 20;

/** Fills a fresh database, lets the callers loose, reads what is left, and judges. */
export async function runStorm(
  client: MongoClient,
  uri: string,
  workers: Workers,
  options: StormOptions,
): Promise<StormResult> {
  const { plan, subject, adapter, processes, concurrency, signal } = options;
  const pools = adapters.get(adapter);
  if (pools === undefined) throw new TypeError(`no adapter ${adapter}`);
  const [pool] = pools;
  const db = client.db(createDatabaseName('stress'));
  try {
    const tasks = Array.from({ length: processes }, (_, index) => ({
      process: index,
      uri,
      database: db.databaseName,
      subject,
      adapter,
      calls: plan.calls.filter(({ caller }) => caller % processes === index),
      concurrency,
    }));
    // While the database is empty, for some flows are tried then.
    const go = await workers.prepare(tasks, signal);
    await fillPool(db, pools, plan.start);
    const start = await readPoolState(db, pool);
    const beganAtMs = performance.now();
    const running = go();
    const [histories, between] = await Promise.all([running, lookWhile(running, db, pool)]);
    const durationMs = performance.now() - beganAtMs;
    const final = await readPoolState(db, pool);
    const history = mergeHistories(histories);
    const violations = checkRun({ start, between, final, history, expectations: { errorCodes: plan.expectedErrors } });
    const contention = measureContention(history);
    const verdict = violations.length > 0 ? 'violated' : hasRaced(contention) ? 'valid' : 'unknown';
    const succession = readSuccession(start, final, history);
    return {
      verdict,
      violations,
      contention,
      history,
      statesBetween: between.length,
      durationMs,
      backupsUsed: [...succession.takenFor.values()].flat().length,
      backupsWasted: checkWaste(start, final, succession).length,
    };
  } finally {
    // What a worker still writes would bring the database back.
    if (signal.aborted) await workers[Symbol.asyncDispose]();
    // After Ctrl-C the servers may be gone before us, for they got it too; then so is the database.
    await db.dropDatabase().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** Reads committed states until the run ends: I1 to I3 hold in each of them, not only at the end. */
async function lookWhile(running: Promise<unknown>, db: Db, pool: Pool): Promise<PoolState[]> {
  const states: PoolState[] = [];
  const ended = new AbortController();
  const end = (): void => ended.abort();
  running.then(end, end);
  while (!ended.signal.aborted && states.length < LOOKS_MAX) {
    states.push(await readPoolState(db, pool));
    await sleep(LOOK_PAUSE_MS, undefined, { signal: ended.signal }).catch(end);
  }
  return states;
}
