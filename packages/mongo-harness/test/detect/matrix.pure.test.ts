import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { judgeCell, summarizeCell, type MatrixRow } from '../../src/detect/matrix.ts';
import { matrixTable } from '../../src/detect/matrix-report.ts';
import type { Row, RoundFigures } from '../../src/report/row.ts';
import { row } from '../support/rows.ts';

const spread = { median: 1, max: 1 };
const paid = { values: ['paid', 'on'], flow: { name: 'paid-on', expected: 'valid' } } as const;
const unpaid = { values: ['unpaid', 'off'], flow: { name: 'unpaid-off', expected: 'violated' } } as const;

/** A storm of two rounds, with a fault each. */
const storm = (hit: number, violated: number, parts: Partial<Row> = {}): Row => {
  const { storm: figures, ...rest } = row(parts);
  if (figures === undefined) throw new Error('the row has figures');
  const fault = { kind: 'rollback', made: 2, hit, met: 9, underWay: 9, durationMs: spread, outageMs: spread };
  const rounds: RoundFigures = {
    judged: 2,
    violated,
    calls: 40,
    faults: [fault],
    allowanceMs: 1,
    askedAgain: 0,
    maxUnservedMs: 1,
    inquired: 0,
  };
  return { ...rest, storm: { ...figures, rounds } };
};
const broken = (...invariants: string[]): Partial<Row> => ({
  verdict: 'violated',
  reproduce: 'the first',
  violations: invariants.map((invariant) => ({ invariant, sentence: 'a seat was sold twice' })),
});
const unjudged: Row = row({ verdict: 'unknown', reason: 'not run' });

test('a cell has the figures of all its storms, and what was broken in any of them', () => {
  const storms = [storm(2, 0), storm(1, 2, broken('S2', 'S1', 'S2')), storm(2, 1, broken('members-agree'))];
  expect(summarizeCell(unpaid, storms)).toEqual({
    values: ['unpaid', 'off'],
    flow: 'unpaid-off',
    expected: 'violated',
    rounds: 6,
    violated: 3,
    calls: 120,
    hit: 5,
    broken: ['S2', 'S1', 'members-agree'],
    reproduce: 'the first',
    reasons: [],
  });
});

describe('how a cell is judged', () => {
  const { flow: _, ...head } = { ...paid, expected: paid.flow.expected };
  const cell: MatrixRow = {
    ...head,
    flow: 'paid-on',
    rounds: 2,
    violated: 0,
    calls: 40,
    hit: 2,
    broken: [],
    reasons: [],
  };
  test.each<[string, Partial<MatrixRow>, ReturnType<typeof judgeCell>]>([
    ['it holds, as it must', {}, 'passed'],
    ['it is broken, and must hold', { broken: ['S1'] }, 'failed'],
    ['it is broken, and must hold, also where a storm was not run', { broken: ['S1'], reasons: ['not run'] }, 'failed'],
    ['it holds, and must be broken', { expected: 'violated' }, 'failed'],
    ['it is broken, as it must be', { expected: 'violated', broken: ['S1'] }, 'passed'],
    ['nothing is promised', { expected: undefined, broken: ['S1'] }, 'passed'],
    ['no fault met a call', { hit: 0 }, 'unknown'],
    ['a storm was not run', { reasons: ['not run'] }, 'unknown'],
  ])('%s', (_name, parts, judgement) => {
    expect(judgeCell({ ...cell, ...parts })).toBe(judgement);
  });
});

test('a line says what was broken, and what is not as it must be', () => {
  const { heading, line } = matrixTable({ settings: ['payment', 'retries'], cells: [] }, ['S1', 'S2']);
  const rows = [
    summarizeCell(paid, [storm(2, 0)]),
    summarizeCell(unpaid, [storm(2, 2, broken('S2', 'members-agree')), unjudged]),
    summarizeCell(paid, [storm(2, 1, broken('S1'))]),
  ];
  const text = [heading, ...rows.map(line)].join('\n');
  expect(`\n${stripVTControlCharacters(text)}\n`).toBe(`
payment  retries  S1      S2      violated  calls  faults hit
paid     on       held    held      0 of 2     40           2
unpaid   off      held    broken    2 of 2     40           2  members-agree broken; not run
paid     on       broken  held      1 of 2     40           2  must be valid
`);
});
