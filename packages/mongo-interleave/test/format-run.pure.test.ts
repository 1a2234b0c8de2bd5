import { strictEqual } from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { formatCondition, formatRun, formatTrace, type RunResult, type TraceStep } from '../src/index.ts';

/* No database here: how traces are laid out. */

const MAX_LINE_WIDTH = 140;

const step = (client: number, more: Partial<TraceStep> = {}): TraceStep => ({
  client,
  command: 'update',
  collection: 'coupons',
  touched: '{ code: "c1" }',
  reply: 'n=1',
  ...more,
});

describe('formatTrace', () => {
  test('has a column for each client that sent a command, and a line for each step', () => {
    expect(
      formatTrace([step(0), step(2), step(0, { command: 'commitTransaction', collection: '', touched: '' })]),
    ).toBe(
      [
        '    A                                      C',
        '  1 update coupons { code: "c1" } -> n=1',
        '  2                                        update coupons { code: "c1" } -> n=1',
        '  3 commitTransaction -> n=1',
      ].join('\n'),
    );
  });

  test('shows in the column of a waiting client whom it waits for', () => {
    const waiting = [{ client: 1, waitsFor: 'A' }];
    expect(formatTrace([step(0, { waiting }), step(1)])).toBe(
      [
        '    A                                      B',
        '  1 update coupons { code: "c1" } -> n=1   (waits for A)',
        '  2                                        update coupons { code: "c1" } -> n=1',
      ].join('\n'),
    );
  });

  test.each([2, 3, 4])('wraps long steps of %i clients, and leaves nothing out', (clients) => {
    const touched =
      '{ status: "active", region: in ["eu-west-1", "eu-west-2"], ownerId: "an-owner-of-another-system" }';
    const trace = Array.from({ length: clients }, (_, client) => step(client, { touched }));
    const lines = formatTrace(trace).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(MAX_LINE_WIDTH);
    const texts = lines.slice(1).map((line) => line.trim());
    const words = texts.join(' ').split(/ +/);
    expect(words).toEqual(trace.flatMap((_, client) => `${client + 1} update coupons ${touched} -> n=1`.split(' ')));
  });

  test('breaks a step before its reply and before its filter first', () => {
    const trace = [0, 1, 2, 3].map((client) =>
      step(client, { command: 'findAndModify', touched: '{ used: false }', reply: 'error 112 WriteConflict' }),
    );
    expect(formatTrace(trace).split('\n').slice(1, 4)).toEqual([
      '  1 findAndModify coupons',
      '      { used: false }',
      '      -> error 112 WriteConflict',
    ]);
  });

  test('breaks a value that is wider than its column', () => {
    const touched = `{ _id: "${'x'.repeat(60)}" }`;
    const lines = formatTrace([0, 1, 2, 3].map((client) => step(client, { touched }))).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(MAX_LINE_WIDTH);
    expect(lines.join('').match(/x/g)).toHaveLength(4 * 60);
  });

  test('of no steps is empty', () => {
    expect(formatTrace([])).toBe('');
  });
});

describe('formatRun', () => {
  const result: RunResult<string> = {
    token: 'v1:A',
    trace: [step(0)],
    preemptions: 0,
    outcomes: [{ kind: 'returned', value: 'c1' }, { kind: 'threw', error: new Error('no coupon') }, { kind: 'absent' }],
    endings: ['A returned "c1"', 'B threw no coupon', ''],
    verdict: { kind: 'violated', error: new Error('given out twice') },
  };
  const lines = [
    'v1:A violated: given out twice',
    '    A',
    '  1 update coupons { code: "c1" } -> n=1',
    '    A returned "c1"',
    '    B threw no coupon',
  ];

  test('has the verdict first, and how each client ended last', () => {
    expect(formatRun(result).split('\n')).toEqual(lines);
  });

  test.each([
    [['fields'] as const, 'not shown: values of fields (name them in showFields)'],
    [
      ['fields', 'results'] as const,
      'not shown: values of fields (name them in showFields), results and errors (showResults: true)',
    ],
  ])('names the options that show more: %j', (hidden, hint) => {
    expect(formatRun({ ...result, hidden }).split('\n')).toEqual([...lines, `    ${hint}`]);
  });
});

test('formatCondition of a restart is about each client, and names the one that had to wait', () => {
  expect(formatCondition({ kind: 'restart', client: 0 })).toBe(
    'after a write conflict, a client (here A) tries again only when the other transaction has ended',
  );
});

describe('formatRun shows what check threw', () => {
  const headOf = (error: unknown, more: Partial<RunResult<string>> = {}): string[] =>
    formatRun<string>({
      token: 'v1:A',
      trace: [],
      preemptions: 0,
      outcomes: [],
      endings: [],
      verdict: { kind: 'violated', error },
      ...more,
    })
      .trimEnd()
      .split('\n');

  test('an assertion with its difference', () => {
    const error = thrownBy(() => strictEqual(2, 1));
    expect(headOf(error)).toEqual(['v1:A violated: Expected values to be strictly equal:', '    2 !== 1']);
  });

  test('the text of a matcher without its colours', () => {
    const text =
      '\u001B[2mexpect(\u001B[22m\u001B[31mreceived\u001B[39m\u001B[2m)\u001B[22m.toBe\n\nExpected: \u001B[32m1\u001B[39m\nReceived: 2';
    expect(headOf(new Error(text))).toEqual([
      'v1:A violated: expect(received).toBe',
      '    Expected: 1',
      '    Received: 2',
    ]);
  });

  test('of a long message the first lines', () => {
    const lines = headOf(new Error(Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n\n')));
    expect(lines.slice(-2)).toEqual(['    line 5', '    and 14 more lines']);
  });

  test('the error of a flow that check passes on is the one of its client', () => {
    const error = new Error(
      'E11000 duplicate key error collection: d.users index: mail dup key: { mail: "ann@x.org" }',
    );
    const outcomes = [{ kind: 'absent' } as const, { kind: 'threw', error } as const];
    const endings = ['', 'B threw E11000 duplicate key: users mail { mail }'];
    expect(headOf(error, { outcomes, endings })[0]).toBe(`v1:A violated: ${endings[1]}`);
    expect(headOf(new Error(`failed: ${error.message}`)).join()).not.toContain('ann@x.org');
  });

  test('an error without a message', () => {
    expect(headOf(new Error())).toEqual(['v1:A violated: Error']);
  });
});

function thrownBy(assertion: () => void): unknown {
  try {
    assertion();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}
