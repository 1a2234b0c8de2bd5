import type { System } from 'mongo-harness';
import { checkRotations, countBackups } from './checker/index.ts';
import { INVARIANTS } from './checker/invariants.ts';
import { deployments } from './deployments.ts';
import { flows } from './flows/index.ts';
import { settingsMatrix } from './flows/settings.ts';
import { fillPool } from './pool/fill-pool.ts';
import { readPool } from './pool/read-pool.ts';
import { toPoolWrite } from './pool/to-write.ts';
import { isVerb, type PoolCall, type RotationTypes, type Answer } from './model/rotation-types.ts';
import { scenarios } from './scenarios/index.ts';
import { nextDrawn } from './scenarios/mixed-traffic.ts';

/**
 * Key rotation as a system under test. Callers ask a service to rotate a failed key (`RotationTypes`); each deployment is one service's
 * pool, or two services that share their collections; the flows are the reference through rotation-core, and its mutants.
 */
const rotationSystem: System<RotationTypes> = {
  name: 'rotation',
  invariants: INVARIANTS,
  deployments,
  scenarios,
  flows,
  matrix: settingsMatrix,
  fill: (db, { services }, start) => fillPool(db, services, start),
  read: (db, { services: [pool] }, session) => readPool(db, pool, session),
  toWrite: (change, { services: [pool] }) => toPoolWrite(pool, change),
  check: checkRotations,
  next: (call, answer) => (call.draw === undefined ? rotateReplacement(answer) : nextDrawn(call, answer)),
  recovery: {
    isServed: ({ kind }) => kind !== 'busy' && kind !== 'indeterminate',
    probe: (call) => (isVerb(call) ? call : undefined),
    inquiry: (_call, answer) =>
      answer.kind === 'indeterminate' && answer.rotationId !== ''
        ? { op: 'find-rotation', rotationId: answer.rotationId }
        : undefined,
  },
  show: { columns: countBackups, operation: describe },
};

/** The replacement fails in its turn: the caller rotates the key that it was given. */
function rotateReplacement(answer: Answer): PoolCall | undefined {
  const replacement = 'replacement' in answer ? answer.replacement : undefined;
  return replacement === undefined ? undefined : { op: 'rotate', keyId: replacement };
}

/** As in `k1 rotated b1`; rotationIds are drawn anew in each run, and left out. */
function describe(call: PoolCall, answer: Answer): string {
  if (answer.kind === 'error') return `${subjectOf(call)} error ${answer.code}`;
  const replacement = 'replacement' in answer ? answer.replacement : undefined;
  return `${subjectOf(call)} ${answer.kind}${replacement === undefined ? '' : ` ${replacement}`}`;
}

const subjectOf = (call: PoolCall): string => {
  switch (call.op) {
    case 'rotate':
      return call.by === undefined ? call.keyId : `${call.keyId} by the ${call.by}`;
    case 'sweep':
      return call.op;
    case 'find-rotation':
      return 'find-rotation'; // its id is drawn anew in each run
    default:
      return `${call.op} ${'keyId' in call ? call.keyId : call.backupId}`;
  }
};

export default rotationSystem;
