import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import jobQueue from './own-system/job-queue.ts';

type JobRun = Parameters<typeof jobQueue.check>[0];
type Job = JobRun['final'][number];
type Answer = JobRun['history']['operations'][number]['answer'];

/** What the check says of a run that left this job, and in which the workers were told this. */
function sentencesOf(job: Pick<Job, 'state' | 'runs'>, ...answers: readonly Answer[]): string[] {
  const run: JobRun = {
    scenario: 'rush',
    start: [{ _id: 'j1', state: 'ready', runs: 0 }],
    between: [],
    final: [{ _id: 'j1', ...job }],
    history: {
      unit: 'ms',
      operations: answers.map((answer, caller) => ({
        caller,
        process: 0,
        service: 'jobs',
        call: { op: 'work' },
        invokedAtMs: 0,
        completedAtMs: 10,
        answer,
      })),
      claims: [],
      conflicts: 0,
      lostRaces: 0,
    },
    expectedErrors: [],
  };
  return jobQueue.check(run).map(({ invariant, sentence }) => `${invariant}: ${sentence}`);
}

const ran: Answer = { kind: 'ran', job: 'j1' };

describe('J1, a job runs once', () => {
  test('green: once, or not at all yet', () => {
    expect(sentencesOf({ state: 'done', runs: 1 }, ran, { kind: 'empty' })).toEqual([]);
    expect(sentencesOf({ state: 'ready', runs: 0 }, { kind: 'lost' })).toEqual([]);
    expect(sentencesOf({ state: 'leased', runs: 0 }, { kind: 'crashed' })).toEqual([]);
  });

  test('red: twice', () => {
    expect(sentencesOf({ state: 'done', runs: 2 }, ran, ran)).toEqual(['J1: j1 ran 2 times']);
  });
});

describe('J2, no job is lost', () => {
  test('red: told that it ran, and it never did', () => {
    expect(sentencesOf({ state: 'ready', runs: 0 }, ran)).toEqual([
      'J2: a worker was told that it ran j1, and j1 never ran',
    ]);
  });

  test('red: done without a run', () => {
    expect(sentencesOf({ state: 'done', runs: 0 }, { kind: 'lost' })).toEqual(['J2: j1 is done, and never ran']);
  });
});

test('it stays short enough to be read as an example', async () => {
  const source = await readFile(new URL('own-system/job-queue.ts', import.meta.url), 'utf8');
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});
