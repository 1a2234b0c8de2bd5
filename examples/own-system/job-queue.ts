import type { Flow, Mutant, Run, Scenario, System, Violation } from 'mongo-harness';
import { ObjectId, type Collection, type Db } from 'mongodb';
import { program } from './job-program.ts';
import type { JobQueue } from './job-types.ts';

/* A job queue with leases as a system under test. A worker leases a job, runs it, and marks it done; a lease may expire meanwhile. */

interface Job {
  readonly _id: string;
  readonly state: 'ready' | 'leased' | 'done';
  /** Names the lease that a worker has; a new one each time. */
  readonly lease?: ObjectId;
  /** How often the job's work was done. */
  readonly runs: number;
}

const jobsOf = (db: Db): Collection<Job> => db.collection<Job>('jobs');

/** What a worker does; `undefined` where there is no job. */
type Work = (jobs: Collection<Job>, lease: ObjectId) => Promise<JobQueue['answer'] | undefined>;

const open =
  (work: Work): Flow<JobQueue>['open'] =>
  (db) => ({
    call: async (_caller, { op }) => {
      if (op === 'work') return (await work(jobsOf(db), new ObjectId())) ?? { kind: 'empty' };
      await jobsOf(db).updateMany({ state: 'leased' }, { $set: { state: 'ready' }, $unset: { lease: '' } });
      return { kind: 'expired' };
    },
  });

const takeReady = (jobs: Collection<Job>, lease: ObjectId): Promise<Job | null> =>
  jobs.findOneAndUpdate({ state: 'ready' }, { $set: { state: 'leased', lease } }, { sort: { _id: 1 } });

const done = { $set: { state: 'done' }, $inc: { runs: 1 } } as const;
const pair = { deployment: 'jobs', callers: 2 };

const fenced: Flow<JobQueue> = {
  name: 'fenced',
  about: 'leases in one command, and does the work only where the lease is still its own',
  expected: 'valid',
  operates: true,
  storms: [{ scenario: 'rush', deployment: 'jobs', processes: 2 }],
  explorations: [
    { scenario: 'rush', ...pair },
    { scenario: 'lease-expires', ...pair },
    { scenario: 'rush', ...pair, faults: ['crash-after'] },
  ],
  open: open(async (jobs, lease) => {
    const job = await takeReady(jobs, lease);
    if (job === null) return undefined;
    const { modifiedCount } = await jobs.updateOne({ _id: job._id, lease }, done);
    return modifiedCount === 1 ? { kind: 'ran', job: job._id } : { kind: 'lost' };
  }),
};

const readThenLease: Mutant<JobQueue> = {
  name: 'read-then-lease',
  about: 'reads a ready job and leases it in a second command: two workers read the same job',
  expected: 'violated',
  breaks: ['J1'],
  depth: 2,
  storms: [{ scenario: 'rush', deployment: 'jobs' }],
  explorations: [{ scenario: 'rush', ...pair }],
  open: open(async (jobs, lease) => {
    const job = await jobs.findOne({ state: 'ready' }, { sort: { _id: 1 } });
    if (job === null) return undefined;
    await jobs.updateOne({ _id: job._id }, { $set: { state: 'leased', lease } });
    await jobs.updateOne({ _id: job._id }, done);
    return { kind: 'ran', job: job._id };
  }),
};

const unfenced: Mutant<JobQueue> = {
  name: 'unfenced',
  about: 'does the work whether or not its lease has expired meanwhile: the next worker does the work again',
  expected: 'violated',
  breaks: ['J1'],
  depth: 2,
  operates: true,
  storms: [],
  explorations: [{ scenario: 'lease-expires', ...pair }],
  open: open(async (jobs, lease) => {
    const job = await takeReady(jobs, lease);
    if (job === null) return undefined;
    await jobs.updateOne({ _id: job._id }, done);
    return { kind: 'ran', job: job._id };
  }),
};

const workers = (count: number) =>
  Array.from({ length: count }, (_, caller) => ({ caller, call: { op: 'work' } as const }));

const scenarios: readonly Scenario<JobQueue>[] = [
  {
    name: 'rush',
    about: 'more workers than jobs',
    storm: ({ callers = 100 }) => ({ start: { jobs: Math.ceil(callers / 2) }, calls: workers(callers) }),
    gated: (callers) => ({ start: { jobs: 1 }, clients: workers(callers).map((call) => ({ calls: [call] })) }),
  },
  {
    name: 'lease-expires',
    about: 'the lease of a worker expires while it works, and another worker is there',
    hasOperator: true,
    gated: (callers) => ({
      start: { jobs: 1 },
      clients: [...workers(callers).map((call) => ({ calls: [call] })), { operator: [{ op: 'expire' }] }],
    }),
  },
];

function check({ final, history }: Run<JobQueue>): Violation[] {
  const ran = new Set(history.operations.flatMap(({ answer }) => ('job' in answer ? [answer.job] : [])));
  return final.flatMap(({ _id: job, state, runs }): Violation[] => {
    if (runs > 1) return [{ invariant: 'J1', sentence: `${job} ran ${runs} times` }];
    if (ran.has(job) && runs === 0)
      return [{ invariant: 'J2', sentence: `a worker was told that it ran ${job}, and ${job} never ran` }];
    if (state === 'done' && runs === 0) return [{ invariant: 'J2', sentence: `${job} is done, and never ran` }];
    return [];
  });
}

const jobQueue: System<JobQueue> = {
  name: 'jobs',
  invariants: { J1: 'a job runs once', J2: 'no job is lost' },
  deployments: [{ name: 'jobs', services: [{ name: 'jobs' }], traceFields: ['state'] }],
  scenarios,
  flows: [fenced, program, readThenLease, unfenced],
  fill: async (db, _deployment, { jobs }) => {
    await jobsOf(db).insertMany(
      Array.from({ length: jobs }, (_, index) => ({ _id: `j${index + 1}`, state: 'ready', runs: 0 })),
    );
  },
  read: (db, _deployment, session) =>
    jobsOf(db)
      .find({}, { projection: { lease: 0 }, ...(session && { session }) })
      .toArray(),
  check,
  show: { operation: ({ op }, answer) => `${op} ${answer.kind}${'job' in answer ? ` ${answer.job}` : ''}` },
};

export default jobQueue;
