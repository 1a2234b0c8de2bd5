import {
  exploreTrial,
  judgeSchedule,
  openGatedScenario,
  planExploration,
  type ExplorationSelection,
  type Row,
} from 'mongo-harness/testing';
import { FAILOVER_PARAMETERS, formatRun } from 'mongo-interleave';
import { startReplicaSet } from 'mongo-test-replica-set';
import { oneMemberSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { unbrakedDeployments } from '../../src/deployments.ts';
import rotationSystem from '../../src/rotation-system.ts';
import { stress } from '../support/stress-command.ts';
import { createTestContext } from '../support/test-context.ts';

/*
 * The primary steps down at each command, and another member becomes the primary. By default one flow on one adapter, with as few switches
 * between the callers as there can be; at night ROTATION_FAILOVERS=all takes both flows on each adapter with one switch more, so that the rival is in
 * the midst of its work anywhere, and more schedules drawn at random: all of them are too many.
 */

const set = await startReplicaSet({
  journaledMajority: false,
  setParameters: { minSnapshotHistoryWindowInSeconds: 0, ...FAILOVER_PARAMETERS },
});
afterAll(() => set.stop());

const context = createTestContext();
/** A busy machine takes several times as long as an idle one. */
const MAX_DURATION_MS = 300_000;
const MAX_NIGHTLY_MS = 1_800_000;
const isNight = process.env['ROTATION_FAILOVERS'] === 'all';
const DRAWN_RUNS = isNight ? 1_000 : 20;
const SEED = 7;
const STEP_DOWNS = ['step-down', 'step-down-after'] as const;

const explored = (
  selection: ExplorationSelection,
  { maxViolations = Infinity, maxDurationMs = MAX_DURATION_MS } = {},
): Promise<Row> => {
  const signal = AbortSignal.timeout(maxDurationMs);
  const trial = planExploration(rotationSystem, { scenario: 'same-key', ...selection });
  return exploreTrial({ ...context, signal }, set.uri, trial, { maxViolations });
};

describe('the reference is clean', () => {
  test('without preemptions', { timeout: MAX_DURATION_MS + 10_000 }, async () => {
    const { verdict, violations, exploration } = await explored({
      flow: 'reference-bare',
      faults: STEP_DOWNS,
      maxPreemptions: 0,
    });
    expect({ verdict, violations }).toEqual({ verdict: 'valid', violations: [] });
    expect(exploration).toMatchObject({ classes: 49, complete: true });
  });

  const nightly = unbrakedDeployments.flatMap(({ name: deployment }) =>
    ['reference', 'reference-bare'].map((flow) => ({ flow, deployment, maxPreemptions: 1 })),
  );
  test.skipIf(!isNight).each(nightly)('%j', { timeout: MAX_NIGHTLY_MS + 10_000 }, async (selection) => {
    const { verdict, violations, exploration } = await explored(
      { ...selection, faults: STEP_DOWNS },
      { maxDurationMs: MAX_NIGHTLY_MS },
    );
    expect({ verdict, violations }).toEqual({ verdict: 'valid', violations: [] });
    expect(exploration).toMatchObject({ complete: true });
  });

  test(`${DRAWN_RUNS} schedules drawn at random, seed ${SEED}`, { timeout: MAX_NIGHTLY_MS + 10_000 }, async () => {
    const trial = planExploration(rotationSystem, { flow: 'reference-bare', scenario: 'same-key' });
    await using scenario = await openGatedScenario(rotationSystem, set.uri, trial);
    const { runs, violations } = await scenario.session.sample({
      strategy: 'urw',
      seed: SEED,
      maxRuns: DRAWN_RUNS,
      maxDurationMs: MAX_NIGHTLY_MS,
      faults: { kinds: STEP_DOWNS },
    });
    expect({ runs, violations: violations.map(formatRun) }).toEqual({ runs: DRAWN_RUNS, violations: [] });
  });
});

test('a flow that takes a lost commit for undone is caught, and the token of the schedule shows it again', async () => {
  const selection = { flow: 'unknown-is-undone', faults: ['step-down-after'], maxPreemptions: 0 } as const;
  const { verdict, violations, exploration, reproduce } = await explored(selection, { maxViolations: 1 });
  expect(verdict).toBe('violated');
  const sentence = expect.stringContaining(
    'k1 was replaced, and no caller was told rotated or could not know',
  ) as string;
  expect(violations).toMatchObject([{ invariant: 'I6', sentence }]);
  const token = exploration?.token ?? '';
  expect(token).toMatch(/^v1:A+%A+$/);
  expect(reproduce).toContain(`replay ${token} --flow unknown-is-undone`);
  const trial = planExploration(rotationSystem, { scenario: 'same-key', ...selection });
  await using scenario = await openGatedScenario(rotationSystem, set.uri, trial);
  for (let time = 0; time < 3; time++)
    expect(judgeSchedule(await scenario.session.run(token)).violations).toEqual(violations);
});

describe('the command', () => {
  test('starts a set of three for a step-down, and the line that it prints replays it', async () => {
    const line = 'explore --flow unknown-is-undone --faults step-down-after --max-violations 1 --json';
    const { stdout } = await stress.run(line.split(' '), {});
    const { server, rows } = JSON.parse(stdout) as { readonly server: unknown; readonly rows: readonly Row[] };
    expect(server).toMatchObject({ members: 3 });
    expect(rows).toMatchObject([{ verdict: 'violated', trial: { expected: 'violated' } }]);
    const again = rows[0]?.reproduce.split(' ').slice(2) ?? [];
    const replayed = await stress.run(again, {});
    expect(replayed.code).toBe(1);
    expect(replayed.stdout).toContain('then the primary stepped down and the reply was lost');
    expect(replayed.stdout).toContain(
      'I6 (crashes and failovers change nothing): k1 was replaced, and no caller was told',
    );
  });

  test.each([
    ['explore --flow reference-bare --faults step-down', 'step-down'],
    ['replay v1:AAAAAAAAAA%AAAAAA --flow unknown-is-undone', 'step-down-after'],
  ])('a set of somebody else is not disturbed: %s', async (line, fault) => {
    const { code, stdout, stderr } = await stress.run(line.split(' '), { MONGODB_URI: oneMemberSet().uri });
    expect({ code, stdout, stderr }).toEqual({
      code: 64,
      stdout: '',
      stderr: `error: ${fault} makes a primary step down, and the replica set in MONGODB_URI is never disturbed: unset it.\n`,
    });
  });
});
