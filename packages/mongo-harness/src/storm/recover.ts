import type { ReplicaSet } from 'mongo-test-replica-set';
import type { Db, MongoClient } from 'mongodb';
import { mergeHistories } from '../history/recorder.ts';
import { checkAftermath, checkpoint, waitUntilWell } from '../nemesis/aftermath.ts';
import { metBy, underWayAt } from '../nemesis/recovery.ts';
import type { FlowDescription } from '../system/flow.ts';
import type { History } from '../system/history.ts';
import type { Run } from '../system/run.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';
import type { MadeFaults } from './make-faults.ts';
import { probeUnserved } from './probe-unserved.ts';
import type { StormClock } from './storm-clock.ts';
import type { Workers } from './workers.ts';

interface RecoveringSite<T extends SystemTypes> {
  readonly client: MongoClient;
  readonly set?: ReplicaSet;
  readonly workers: Workers<T>;
}

interface Recovering<T extends SystemTypes> {
  readonly clock: StormClock;
  readonly signal: AbortSignal;
  readonly history: History<T>;
  readonly made: MadeFaults;
  readonly late: readonly Violation[];
  readonly flow: FlowDescription;
}

/** When the faults are over: asks again what was not served and what became of calls in doubt, and looks at what the faults have left of the database. */
export async function recover<T extends SystemTypes>(
  system: System<T>,
  { client, set, workers }: RecoveringSite<T>,
  db: Db,
  { clock, signal, history, made, late, flow }: Recovering<T>,
): Promise<Pick<Run<T>, 'history' | 'aftermath'>> {
  if (set === undefined) throw new TypeError('a fault needs a set');
  await waitUntilWell(set, client);
  const { operations } = history;
  const probed = await probeUnserved(system, flow, workers, operations, clock, signal);
  // What was written meanwhile has a majority, and is to be on all members before they are compared.
  await waitUntilWell(set, client);
  await checkpoint(set);
  const aftermath = [...late, ...probed.violations, ...(await checkAftermath(set, db))];
  const faults = made.faults.map((fault) => ({
    ...fault,
    met: metBy(fault, operations),
    underWay: underWayAt(fault, operations),
  }));
  return { history: { ...mergeHistories([history, ...probed.histories]), faults }, aftermath };
}
