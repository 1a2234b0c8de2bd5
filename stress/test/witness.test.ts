import type { Run } from 'mongo-harness';
import { planCalls, runStorm, Workers } from 'mongo-harness/testing';
import { oneMemberSet } from 'test-kit';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loggedEffects } from '../src/checker/check-effects.ts';
import { checkRotations } from '../src/checker/index.ts';
import { unbrakedDeployments } from '../src/deployments.ts';
import type { RotationTypes } from '../src/model/rotation-types.ts';
import rotationSystem from '../src/rotation-system.ts';

/* What a storm committed, by the server's log, and what its callers were told. */

vi.setConfig({ testTimeout: 120_000 });

const KEYS = 5;
const PROCESSES = 2;
const CALLERS = 20;

let client: MongoClient;
let workers: Workers<RotationTypes>;
beforeAll(() => {
  client = new MongoClient(oneMemberSet().uri);
  workers = new Workers<RotationTypes>(new URL('../src/rotation-system.ts', import.meta.url).href);
});
afterAll(async () => {
  await workers[Symbol.asyncDispose]();
  await client.close();
});

async function storm(deployment: string, flow = 'reference'): Promise<Run<RotationTypes>> {
  const trial = { flow, scenario: 'many-keys', deployment };
  const plan = planCalls(rotationSystem, { ...trial, size: { keys: KEYS, callers: CALLERS }, seed: 1 });
  const site = { client, uri: oneMemberSet().uri, workers };
  const signal = new AbortController().signal;
  const { run } = await runStorm(rotationSystem, site, trial, {
    plan,
    processes: PROCESSES,
    maxConcurrency: CALLERS,
    judged: 'every-commit',
    signal,
  });
  return run;
}

const sentencesOf = (run: Run<RotationTypes>): string[] =>
  checkRotations(run).map(({ invariant, sentence }) => `${invariant} ${sentence}`);

describe.each(unbrakedDeployments.map(({ name }) => name))('on %s', (deployment) => {
  let run: Run<RotationTypes>;
  let commits: NonNullable<Run<RotationTypes>['commits']>;
  beforeAll(async () => {
    run = await storm(deployment);
    commits = run.commits ?? [];
  });

  test('each rotation is in one transaction, with the id that its caller was told', () => {
    expect(sentencesOf(run)).toEqual([]);
    const told = run.history.operations.flatMap(({ call, answer }) =>
      call.op === 'rotate' && answer.kind === 'rotated'
        ? [{ keyId: call.keyId, backupId: answer.replacement, rotationId: answer.rotationId }]
        : [],
    );
    const logged = loggedEffects(commits).map(({ commit: _commit, ...effect }) => effect);
    expect(logged).toHaveLength(KEYS);
    expect(new Set(logged)).toEqual(new Set(told));
    expect(commits.every(({ isTransaction }) => isTransaction)).toBe(true);
  });

  test('a rotation in two commits is not whole', () => {
    const [first, ...others] = commits;
    if (first === undefined) throw new Error('nothing was committed');
    const claims = first.writes.filter(({ of }) => of === 'backup');
    const rest = first.writes.filter(({ of }) => of !== 'backup');
    const halves = [claims, rest].map((writes) => ({ isTransaction: false, writes }));
    const [sentence] = sentencesOf({ ...run, commits: [...halves, ...others] });
    expect(sentence).toMatch(new RegExp(`^I2 after commit 1 of ${commits.length + 1}: b\\d+ wasted: `));
  });

  test('a commit that the log does not have is missed', () => {
    const lacking = sentencesOf({ ...run, commits: commits.slice(0, -1) });
    expect(lacking).toContainEqual(expect.stringMatching(/^I6 the log and the database differ at the end: the key /));
    expect(lacking).toContainEqual(
      expect.stringMatching(/^I5 caller \d+ was told rotated .* no commit has this rotation$/),
    );
  });
});
