import type { Matrix, MatrixCell } from 'mongo-harness';
import { referenceFlow, type Concerns } from 'rotation-core/testing';
import type { RotationTypes } from '../model/rotation-types.ts';
import { contendedKeys } from './mutants/fault-storm.ts';
import { DEADLINE_MS, MAX_BARE_CONCURRENCY, openRotator } from './open-rotator.ts';

const READ_CONCERNS = ['local', 'majority', 'snapshot'] as const;
const WRITE_CONCERNS = [1, 'majority'] as const;
const EITHER = [true, false];

const onOrOff = (isOn: boolean): string => (isOn ? 'on' : 'off');

/** The reference with these settings. What is acknowledged by one member alone, a failover undoes. */
const cell = (concerns: Concerns, retryWrites: boolean, coalesce: boolean): MatrixCell<RotationTypes> => {
  const { readConcern, writeConcern } = concerns;
  const values = [readConcern, String(writeConcern), onOrOff(retryWrites), onOrOff(coalesce)];
  return {
    values,
    flow: {
      name: `${readConcern}-w-${writeConcern}${retryWrites ? '' : '-unretried'}${coalesce ? '' : '-bare'}`,
      about: `the reference with read concern ${readConcern} and write concern ${writeConcern}`,
      expected: writeConcern === 'majority' ? 'valid' : 'violated',
      deadlineMs: DEADLINE_MS,
      storms: [],
      explorations: [],
      ...(coalesce ? {} : { maxConcurrency: MAX_BARE_CONCURRENCY }),
      clientOptions: { retryWrites },
      open: openRotator(() => referenceFlow, { coalesce, concerns }),
    },
  };
};

/** Which promises rest on the concerns, on retryable writes, and on the sharing of transactions. */
export const settingsMatrix: Matrix<RotationTypes> = {
  settings: ['read concern', 'write concern', 'retryWrites', 'coalescing'],
  cells: WRITE_CONCERNS.flatMap((writeConcern) =>
    READ_CONCERNS.flatMap((readConcern) =>
      EITHER.flatMap((retryWrites) =>
        EITHER.map((coalesce) => cell({ readConcern, writeConcern }, retryWrites, coalesce)),
      ),
    ),
  ),
  storms: [contendedKeys('rollback'), contendedKeys('kill-primary'), contendedKeys('commit-unknown')],
};
