import type { System } from 'mongo-harness';
import { exploreTrial, type ExplorationTrial, type Row } from 'mongo-harness/testing';
import { setAsideFieldsOf, backupsOf, referenceFlow } from 'rotation-core/testing';
import type { VerifyBackup } from 'rotation-core';
import { exploringSet } from 'test-kit';
import { describe, expect, test } from 'vitest';
import { openRotator } from '../../src/flows/open-rotator.ts';
import { referenceVerifying } from '../../src/flows/reference.ts';
import type { RotationFlow } from '../../src/flows/rotation-flow.ts';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import rotationSystem from '../../src/rotation-system.ts';
import { createTestContext } from '../support/test-context.ts';

/* Backups are verified between two transactions, and one that is refused is set aside: in every interleaving, with crashes, and beside a process
   that verifies nothing. */

const set = exploringSet();
const context = createTestContext();
const MAX_DURATION_MS = 100_000;
const BAD = 'b1';

/** The system, in which nobody may use the bad backup who verifies. */
const verifyingSystem: System<RotationTypes> = {
  ...rotationSystem,
  check: (run) => {
    const claimed = run.final.backups.find(({ id, isUsed }) => id === BAD && isUsed);
    const known = rotationSystem.check(run);
    return claimed === undefined ? known : [...known, { invariant: 'I1', sentence: `${BAD} was claimed unverified` }];
  },
};

function explore(
  system: System<RotationTypes>,
  flow: RotationFlow,
  trial: Partial<ExplorationTrial> = {},
  maxViolations = Infinity,
): Promise<Row> {
  const signal = AbortSignal.timeout(MAX_DURATION_MS);
  const whole = { flow: flow.name, deployment: 'keypool', scenario: 'bad-backups', callers: 2, ...trial };
  return exploreTrial(
    { ...context, system: { ...system, flows: [flow] }, signal },
    set.uri,
    whole as ExplorationTrial,
    { maxViolations },
  );
}

describe('each class is clean', { timeout: MAX_DURATION_MS + 10_000 }, () => {
  test.each<[Partial<ExplorationTrial>, number]>([
    [{}, 70],
    [{ scenario: 'same-key' }, 70],
    [{ deployment: 'openhandspool', callers: 1, faults: ['crash-after'] }, 23],
    [{ callers: 1, faults: ['lost-reply'] }, 23],
    [{ faults: ['crash-after'], maxPreemptions: 0 }, 60],
  ])('%j', async (trial, classes) => {
    const { verdict, violations, exploration } = await explore(verifyingSystem, referenceVerifying, trial);
    expect({ verdict, violations }).toEqual({ verdict: 'valid', violations: [] });
    expect(exploration).toMatchObject({ classes, complete: true });
  });
});

/** The first client verifies, the others don't. */
const besidePlain = (name: string, verifying: RotationFlow['open']): RotationFlow => {
  const plain = openRotator(() => referenceFlow, { coalesce: false });
  return {
    ...referenceVerifying,
    name,
    open: (db, pool, observer, surroundings) =>
      (surroundings.client === 0 ? verifying : plain)(db, pool, observer, surroundings),
  };
};

describe('a process that verifies beside one that does not', { timeout: MAX_DURATION_MS + 10_000 }, () => {
  test('a claimed backup is never marked, and a marked one never claimed', async () => {
    const flow = besidePlain('beside-plain', referenceVerifying.open);
    const { verdict, violations, exploration } = await explore(rotationSystem, flow);
    expect({ verdict, violations }).toEqual({ verdict: 'valid', violations: [] });
    expect(exploration).toMatchObject({ classes: 38, complete: true });
  });

  test('a mark without a look at the backup is caught', async () => {
    const flow = besidePlain('marks-blindly', (db, pool, observer, surroundings) => {
      const verify: VerifyBackup = async ({ _id }) => {
        if (_id !== BAD) return { kind: 'usable' };
        await backupsOf(db, pool).updateOne({ _id }, { $currentDate: { [setAsideFieldsOf(pool).at]: true } });
        return { kind: 'unusable', reason: 'the upstream refused it' };
      };
      return openRotator(() => referenceFlow, { coalesce: false, verify })(db, pool, observer, surroundings);
    });
    const { verdict, violations } = await explore(rotationSystem, flow, {}, 1);
    expect(verdict).toBe('violated');
    expect(violations).toContainEqual({
      invariant: 'I1',
      sentence: 'b1 was set aside, and caller 1 claimed it for k2',
    });
  });
});
