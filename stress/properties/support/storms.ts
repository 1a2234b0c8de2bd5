import { oneMemberSet } from 'test-kit';
import type { Violation } from 'mongo-harness';
import { runStorm, Workers } from 'mongo-harness/testing';
import { MongoClient } from 'mongodb';
import { reference, referenceBare } from '../../src/flows/reference.ts';
import type { RotationMutant } from '../../src/flows/rotation-flow.ts';
import rotationSystem from '../../src/rotation-system.ts';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import type { Workload } from './workload.ts';

const MAX_RUN_MS = 60_000;
const SYSTEM = new URL('../../src/rotation-system.ts', import.meta.url).href;

/** Runs workloads, each in a fresh database, in worker processes that stay for the next one. */
export interface Storms extends AsyncDisposable {
  /** @param mutant the flow under test, instead of the reference */
  run(workload: Workload, mutant?: RotationMutant): Promise<readonly Violation[]>;
}

export function openStorms(): Storms {
  const uri = oneMemberSet().uri;
  const client = new MongoClient(uri, { appName: 'rotation-properties' });
  const workers = new Workers<RotationTypes>(SYSTEM);
  return {
    async run({ plan, processes, deployment, coalesce }, mutant) {
      const flow = mutant ?? (coalesce ? reference : referenceBare);
      const trial = { flow: flow.name, scenario: 'random-workload', deployment };
      const { run } = await runStorm(rotationSystem, { client, uri, workers }, trial, {
        plan,
        processes,
        maxConcurrency: flow.maxConcurrency ?? plan.calls.length,
        judged: 'every-commit',
        signal: AbortSignal.timeout(MAX_RUN_MS),
      });
      return rotationSystem.check(run);
    },
    async [Symbol.asyncDispose]() {
      await workers[Symbol.asyncDispose]();
      await client.close();
    },
  };
}
