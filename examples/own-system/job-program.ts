import type { ProgramFlow } from 'mongo-harness';
import type { JobQueue } from './job-types.ts';

const pair = { deployment: 'jobs', callers: 2 };

/** A worker in any language: `pnpm own-system --exec COMMAND`. */
export const program: ProgramFlow<JobQueue> = {
  name: 'exec',
  about: 'a command of yours, in any language',
  expected: 'valid',
  operates: true,
  storms: [{ scenario: 'rush', deployment: 'jobs' }],
  explorations: [
    { scenario: 'rush', ...pair },
    { scenario: 'lease-expires', ...pair },
  ],
  protocol: {
    toLine: ({ op }) => ({ op }),
    rehearsal: { op: 'work' },
    answers: { ran: { job: { type: 'text', isRequired: true } }, lost: {}, empty: {}, expired: {} },
    toAnswer: (word, { job }) =>
      word === 'ran' ? { kind: word, job: job as string } : { kind: word as 'lost' | 'empty' | 'expired' },
  },
};
