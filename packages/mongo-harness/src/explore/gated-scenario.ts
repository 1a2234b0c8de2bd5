import { interleave, type InterleaveSession } from 'mongo-interleave';
import { createDatabaseName } from 'mongo-test-replica-set';
import { MongoClient, type Db } from 'mongodb';
import type { JudgedStates } from '../system/judged-states.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { GatedPlan, Scenario } from '../system/scenario.ts';
import { expectOperator } from '../trial/expect-operator.ts';
import { resolveTrial, type ResolvedTrial } from '../trial/resolve-trial.ts';
import type { ExplorationTrial } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';
import { InvariantsBroken } from './invariants-broken.ts';
import { restoreDatabase, saveDatabase } from '../database/saved-database.ts';
import { ScheduleRecorder } from './schedule-recorder.ts';

/** A scenario in its small form at the gate, in a database of its own. */
export interface GatedScenario extends AsyncDisposable {
  readonly session: InterleaveSession<string>;
  /** The first client of each service; the others of the same service are as good as the first. */
  readonly firstClients: readonly number[];
  readonly database: string;
  readonly judged: JudgedStates;
}

export interface GatedScenarioOptions {
  /** Holds the token of the schedule being run, before each of its steps. Default: no file. */
  readonly tokenFile?: string;
}

/**
 * Makes the start state once, and opens a gate in front of it. Each schedule puts the documents back, lets each client do its part
 * through its own port, and checks what is left: a schedule that breaks invariants is violated with {@link InvariantsBroken}.
 *
 * @throws UsageError where the trial's names do not fit; InterleaveError; errors of the driver when the server can't be reached
 */
export async function openGatedScenario<T extends SystemTypes>(
  system: System<T>,
  uri: string,
  trial: Omit<ExplorationTrial, 'expected'>,
  { tokenFile }: GatedScenarioOptions = {},
): Promise<GatedScenario> {
  const resolved = resolveTrial(system, trial);
  const plan = expectToFit(resolved)(trial.callers, resolved.flow.shares === true);
  const { flow, deployment } = resolved;
  const control = new MongoClient(uri, { appName: `${system.name}-stress` });
  const db = control.db(createDatabaseName('explore', { prefix: `${system.name}_` }));
  const dispose = async (): Promise<void> => {
    try {
      await flow.end?.();
      await db.dropDatabase();
    } finally {
      await control.close();
    }
  };
  try {
    const [service] = deployment.services;
    await flow.rehearse?.({ uri, database: db.databaseName, service, count: 1 });
    await flow.end?.();
    await db.dropDatabase();
    await system.fill(db, deployment, plan.start);
    const session = await openSession(system, uri, db, resolved, plan, trial.scenario, tokenFile);
    return {
      session,
      firstClients: deployment.services.map((_, index) => index).slice(0, plan.clients.length),
      database: db.databaseName,
      judged: resolved.judged,
      [Symbol.asyncDispose]: async () => {
        await session.close();
        await dispose();
      },
    };
  } catch (error) {
    // Where the server is gone this fails too, and the first error says more.
    await dispose().catch(() => control.close());
    throw error;
  }
}

async function openSession<T extends SystemTypes>(
  system: System<T>,
  uri: string,
  db: Db,
  { flow, deployment, judged }: ResolvedTrial<T>,
  plan: GatedPlan<T>,
  scenario: string,
  tokenFile: string | undefined,
): Promise<InterleaveSession<string>> {
  const { services, traceFields = [] } = deployment;
  const saved = await saveDatabase(db);
  const start = await system.read(db, deployment);
  let recorder = new ScheduleRecorder(system, start);
  return await interleave<string>({
    uri,
    database: db.databaseName,
    clients: plan.clients.length,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    showFields: traceFields,
    showResults: true,
    reset: async (own) => {
      recorder = new ScheduleRecorder(system, start);
      await restoreDatabase(saved, own);
    },
    onStep: async ({ client, command, fault }, own) => {
      recorder.step(client, fault);
      // Nobody writes now, for all clients are at the gate: no snapshot is needed. What a transaction has not committed is not read.
      if (judged === 'every-commit' && (fault !== undefined || !isRead(command)))
        recorder.committed(await system.read(own, deployment));
    },
    prepare: async ({ uri: own, index }) => {
      await flow.prepare?.({ uri: own, database: db.databaseName, client: index });
      return undefined;
    },
    flow: (client, own) => {
      const service = services[client.index % services.length] ?? services[0];
      return recorder.play(client, own, flow, service, plan.clients[client.index] ?? { calls: [] });
    },
    check: async (own, outcomes) => {
      for (const outcome of outcomes) if (outcome.kind === 'threw') throw outcome.error;
      const final = await system.read(own, deployment);
      const history = recorder.history();
      const run = { scenario, start, between: recorder.between, final, history, expectedErrors: [] };
      const violations = system.check(run);
      if (violations.length > 0) throw new InvariantsBroken(violations, run);
    },
  });
}

/** Commands that leave all documents as they are. An aggregation may end in `$out` or `$merge`. */
const READS: ReadonlySet<string> = new Set(['find', 'getMore', 'count', 'distinct', 'listCollections', 'listIndexes']);

const isRead = (command: string): boolean => READS.has(command);

/**
 * The small form of a trial's scenario. Can be asked for before MongoDB is started.
 *
 * @throws UsageError where the scenario has no small form, or needs what the flow does not have
 */
export function expectToFit<T extends SystemTypes>({
  scenario,
  flow,
}: Pick<ResolvedTrial<T>, 'scenario' | 'flow'>): NonNullable<Scenario<T>['gated']> {
  const { name, gated } = scenario;
  if (gated === undefined)
    throw new UsageError(`The scenario ${name} is too large for every interleaving; it runs as a storm.`);
  expectOperator(flow, scenario);
  return gated;
}
