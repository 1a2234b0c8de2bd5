import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { controlEffort, controlsOf, judgeFaultRow, summarize, type FaultRow } from '../../src/detect/by-fault.ts';
import { faultTable } from '../../src/detect/fault-report.ts';
import type { Row, RoundFigures } from '../../src/report/row.ts';
import { row } from '../support/rows.ts';
import seatsSystem from '../support/seats-system.ts';

const place = { scenario: 'one-seat', deployment: 'hall', fault: 'rollback' } as const;
const mutant = { flow: 'unpaid', breaks: ['S1'], place };
const control = { flow: 'atomic', place };
const spread = { median: 1, max: 1 };

/** A storm of two rounds, whose faults met calls. */
const storm = (durationMs: number, parts: Partial<Row> = {}): Row => {
  const { storm: figures, ...rest } = row(parts);
  if (figures === undefined) throw new Error('the row has figures');
  const fault = { kind: 'rollback', made: 2, hit: 2, met: 9, underWay: 9, durationMs: spread, outageMs: spread };
  const rounds: RoundFigures = {
    judged: 2,
    violated: 0,
    calls: 40,
    faults: [fault],
    allowanceMs: 1,
    askedAgain: 0,
    maxUnservedMs: 1,
    inquired: 0,
  };
  return { ...rest, storm: { ...figures, durationMs, rounds } };
};
const broken = (invariant: string): Partial<Row> => ({
  verdict: 'violated',
  violations: [{ invariant, sentence: 'a seat was sold twice' }],
});

const caught = summarize(mutant, [storm(9_000, broken('S1')), storm(3_000, broken('S1')), storm(5_000, broken('S1'))]);

describe('what the storms of a mutant came to', () => {
  test('the median and the longest of the times, and all rounds', () => {
    expect(caught).toEqual({
      ...mutant,
      tries: 3,
      violated: 3,
      rounds: 6,
      hit: 6,
      durationMs: 17_000,
      firstViolationMs: { median: 5_000, max: 9_000 },
      reasons: [],
    });
    expect(judgeFaultRow(caught)).toBe('passed');
  });

  test.each<[string, Row[], Partial<FaultRow>, ReturnType<typeof judgeFaultRow>]>([
    ['one storm saw nothing', [storm(1, broken('S1')), storm(2)], { tries: 2, violated: 1 }, 'failed'],
    [
      'another invariant was broken',
      [storm(1, broken('members-agree')), storm(1, broken('members-agree'))],
      { tries: 2, violated: 0, reasons: ['members-agree was broken first'] },
      'failed',
    ],
    [
      'a storm came to no verdict',
      [storm(1, broken('S1')), storm(2, { verdict: 'unknown', reason: 'not run' })],
      { tries: 1, violated: 1, reasons: ['not run'] },
      'unknown',
    ],
    ['no storm at all', [], { tries: 0 }, 'unknown'],
  ])('%s', (_, rows, parts, judgement) => {
    const summary = summarize(mutant, rows);
    expect(summary).toMatchObject(parts);
    expect(judgeFaultRow(summary)).toBe(judgement);
  });
});

describe('the first flow', () => {
  test('is put once in each place of the mutants, as long as their storms took there', () => {
    const other = { ...place, fault: 'step-down' } as const;
    const storms = [mutant, { ...mutant, flow: 'late' }, { ...mutant, place: other }];
    const controls = controlsOf(seatsSystem, storms);
    expect(controls).toEqual([control, { flow: 'atomic', place: other }]);
    const rows = [caught, { ...caught, place: other, durationMs: 500 }, { ...caught, flow: 'late', durationMs: 3_000 }];
    expect(controls.map((one) => controlEffort(one, rows, { seed: 7 }))).toEqual([
      { tries: 1, budgetMs: 20_000, seed: 7 },
      { tries: 1, budgetMs: 500, seed: 7 },
    ]);
  });

  test.each<[string, Row, ReturnType<typeof judgeFaultRow>]>([
    ['breaks nothing', storm(1), 'passed'],
    ['breaks what no mutant is known for', storm(1, broken('members-agree')), 'failed'],
    ['meets no fault', row(), 'unknown'],
  ])('%s', (_, one, judgement) => {
    expect(judgeFaultRow(summarize(control, [one]))).toBe(judgement);
  });
});

test('a line says how often the flow was caught, and how soon', () => {
  const { heading, line } = faultTable([mutant, control]);
  const text = [heading, line(caught), line(summarize(control, [storm(60_000)]))].join('\n');
  expect(`\n${stripVTControlCharacters(text)}\n`).toBe(`
flow    breaks  fault                  violated  rounds  faults hit  median     max
unpaid  S1      rollback              in 3 of 3       6           6   5.0 s   9.0 s
atomic          rollback              in 0 of 1       2           2
`);
});
