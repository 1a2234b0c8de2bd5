import { interleave, type Interleaving } from 'mongo-interleave';
import { createDatabaseName } from 'mongo-replica-set';
import { MongoClient } from 'mongodb';
import { adapters } from '../adapters.ts';
import { checkRun } from '../checker/check-run.ts';
import type { Violation } from '../checker/violation.ts';
import { readQuietState } from '../pool-state.ts';
import { fillPool } from '../storm/fill-pool.ts';
import type { Subject } from '../subjects/subject.ts';
import { BrokenPromises } from './broken-promises.ts';
import { RaceRun } from './race-run.ts';
import { putBack, saveDatabase } from './saved-database.ts';
import type { PairRun, PairScenario } from './scenarios/pair-scenario.ts';

/** Which flow, on which pool, in which pair scenario. */
export interface RaceOptions {
  readonly subject: Subject;
  readonly adapter: string;
  readonly scenario: PairScenario;
  /** Clients that call, each standing for a process, 1 to 25; an operator's comes on top. */
  readonly callers: number;
}

/** A pair scenario at the gate, in a database of its own. */
export interface Race extends AsyncDisposable {
  readonly interleaving: Interleaving<string>;
  /** The first client of each service; those of the same service are as good as one another. */
  readonly firstClients: readonly number[];
  readonly database: string;
}

/**
 * Makes the start state once, and opens a gate in front of it. Each run puts the documents back, lets each client do its part
 * through its own port, and judges what is left.
 *
 * @param tokenFile holds the token of the schedule at hand, before each step
 * @throws InterleaveError; errors of the driver when the server can't be reached
 */
export async function openRace(uri: string, options: RaceOptions, tokenFile?: string): Promise<Race> {
  const { subject, adapter, scenario } = options;
  const pools = adapters.get(adapter);
  if (pools === undefined) throw new TypeError(`no adapter ${adapter}`);
  const [pool] = pools;
  const plan = scenario.plan(options.callers, subject.coalesces === true);
  const { judge = judgeRotations } = scenario;
  const control = new MongoClient(uri, { appName: 'rotation-stress' });
  const db = control.db(createDatabaseName('explore'));
  const dispose = async (): Promise<void> => {
    try {
      await subject.end?.();
      await db.dropDatabase();
    } finally {
      await control.close();
    }
  };
  try {
    await subject.rehearse?.({ uri, database: db.databaseName, pool: pool.name, count: 1 });
    await subject.end?.();
    await db.dropDatabase();
    await fillPool(db, pools, plan.start);
    const saved = await saveDatabase(db);
    const start = await readQuietState(db, pool);
    let run = new RaceRun();
    const interleaving = await interleave<string>({
      uri,
      database: db.databaseName,
      clients: plan.clients.length,
      ...(tokenFile === undefined ? {} : { tokenFile }),
      showFields: [pool.bindingKeyField, 'isUsed', 'usedFor', 'proxyId'],
      reset: async (own) => {
        run = new RaceRun();
        await putBack(saved, own);
      },
      onStep: async ({ client, command, fault }, own) => {
        run.step(client);
        // I1 to I3 hold in every committed state; nobody writes now, for all are at the gate.
        if (command === 'commitTransaction' || fault !== undefined) run.between.push(await readQuietState(own, pool));
      },
      flow: (client, own) => {
        const ownPool = pools[client.index % pools.length] ?? pool;
        return run.follow(client, own, subject, ownPool, plan.clients[client.index] ?? { calls: [] });
      },
      check: async (own, outcomes) => {
        for (const outcome of outcomes) if (outcome.kind === 'threw') throw outcome.error;
        const final = await readQuietState(own, pool);
        const { between, operated } = run;
        const violations = judge({ start, between, final, history: run.history(), operated });
        if (violations.length > 0) throw new BrokenPromises(violations);
      },
    });
    return {
      interleaving,
      firstClients: pools.map((_, index) => index).slice(0, plan.clients.length),
      database: db.databaseName,
      [Symbol.asyncDispose]: async () => {
        await interleaving.close();
        await dispose();
      },
    };
  } catch (error) {
    // Where the server is gone this fails too, and the first error says more.
    await dispose().catch(() => control.close());
    throw error;
  }
}

/** The checker for runs in which only rotations change the pool. */
export const judgeRotations = ({ start, between, final, history }: PairRun): Violation[] =>
  checkRun({ start, between, final, history, expectations: { errorCodes: [] } });
