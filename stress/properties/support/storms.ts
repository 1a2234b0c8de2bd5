import { MongoClient } from 'mongodb';
import { inject } from 'vitest';
import type { Violation } from '../../src/checker/violation.ts';
import { runStorm } from '../../src/storm/run-storm.ts';
import { Workers } from '../../src/storm/workers.ts';
import { reference, referenceBare } from '../../src/subjects/reference.ts';
import type { KnownBadSubject } from '../../src/subjects/subject.ts';
import type { Workload } from './workload.ts';

const RUN_LIMIT_MS = 60_000;

/** Runs workloads, each in a fresh database, in worker processes that stay for the next one. */
export interface Storms extends AsyncDisposable {
  /** @param knownBad the flow under test, instead of the reference */
  run(workload: Workload, knownBad?: KnownBadSubject): Promise<readonly Violation[]>;
}

export function openStorms(): Storms {
  const uri = inject('mongodbUri');
  const client = new MongoClient(uri, { appName: 'rotation-properties' });
  const workers = new Workers();
  return {
    async run({ plan, processes, adapter, coalesce }, knownBad) {
      const subject = knownBad ?? (coalesce ? reference : referenceBare);
      const { violations } = await runStorm(client, uri, workers, {
        plan,
        subject: { subject: subject.name },
        adapter,
        processes,
        concurrency: subject.concurrency ?? plan.calls.length,
        signal: AbortSignal.timeout(RUN_LIMIT_MS),
      });
      return violations;
    },
    async [Symbol.asyncDispose]() {
      await workers[Symbol.asyncDispose]();
      await client.close();
    },
  };
}
