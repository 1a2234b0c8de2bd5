import { expect, test } from 'vitest';
import { answeredLate } from '../../src/nemesis/in-time.ts';
import type { Operation } from '../../src/system/history.ts';
import type { Seats } from '../support/seats-system.ts';

const operation = (parts: Partial<Operation<Seats>>): Operation<Seats> => ({
  caller: 4,
  process: 0,
  service: 'box-office',
  call: { op: 'reserve', seat: 's1' },
  invokedAtMs: 100,
  answer: { kind: 'sold-out' },
  ...parts,
});

test.each<[string, Partial<Operation<Seats>>, number]>([
  ['in time', { completedAtMs: 1_100 }, 0],
  ['late by no more than can be measured', { completedAtMs: 1_132 }, 0],
  ['later', { completedAtMs: 1_133 }, 1],
  ['late by no more than its busy process explains', { completedAtMs: 2_032, heldUpMs: 300 }, 0],
  ['later than that', { completedAtMs: 2_033, heldUpMs: 300 }, 1],
  ['later than its own deadline', { completedAtMs: 143, deadlineMs: 10 }, 1],
  ['in its own time', { completedAtMs: 3_000, deadlineMs: 5_000 }, 0],
  ['never', {}, 0],
])('a call that was answered %s', (_, parts, count) => {
  const violations = answeredLate([operation(parts)], 1_000);
  expect(violations.map(({ invariant }) => invariant)).toEqual(Array.from({ length: count }, () => 'in-time'));
});

test('the sentence says how late, and what was allowed', () => {
  expect(answeredLate([operation({ completedAtMs: 2_200, heldUpMs: 30 })], 1_000)[0]?.sentence).toBe(
    'caller 4 was answered sold-out after 2100 ms, with a deadline of 1000 ms and 122 ms for its busy process: {"op":"reserve","seat":"s1"}',
  );
});
