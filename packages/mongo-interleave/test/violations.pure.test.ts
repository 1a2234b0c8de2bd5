import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { Outcome, RunResult } from '../src/index.ts';
import { keyOf } from '../src/strategy/failure-key.ts';
import { Violations } from '../src/strategy/violations.ts';

/* No database here: which runs show the same failure. */

const returned = (value: unknown): Outcome<unknown> => ({ kind: 'returned', value });
const threw = (error: unknown): Outcome<unknown> => ({ kind: 'threw', error });

/** All errors of this file are made here, at one place. */
const wrong = (message: string, code?: number | string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

const run = (
  error: unknown,
  outcomes: readonly Outcome<unknown>[] = [returned('rotated'), returned('rotated')],
  more: Partial<RunResult<unknown>> = {},
): RunResult<unknown> => ({
  token: 'v1:AB',
  trace: [],
  preemptions: 0,
  outcomes,
  endings: [],
  verdict: { kind: 'violated', error },
  ...more,
});

const thrownBy = (assertion: () => void): unknown => {
  try {
    assertion();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
};

describe('one failure has one key', () => {
  const uuid = ['0b2d6d2e-5c1c-4f0e-9a3e-0f6b1c2d3e4f', '9e8d7c6b-5a49-4838-a726-150403020100'];
  test.each<[string, RunResult<unknown>, RunResult<unknown>]>([
    ['numbers', run(wrong('2 of 4 backups used')), run(wrong('3 of 4 backups used'))],
    ['fractions', run(wrong('balance 1.5')), run(wrong('balance 12'))],
    ['names with numbers', run(wrong('I1: k1 took b1 and b2')), run(wrong('I1: k1 took b3 and b1'))],
    [
      'ObjectIds',
      run(wrong(`lost ${new ObjectId().toHexString()}`)),
      run(wrong(`lost ${new ObjectId().toHexString()}`)),
    ],
    ['UUIDs', run(wrong(`lost ${uuid[0]}`)), run(wrong(`lost ${uuid[1]}`))],
    ['times', run(wrong('at 2026-11-26T06:00:00.000Z')), run(wrong('at 2027-01-02T03:04:05Z'))],
    ['random tokens', run(wrong('reused V1StGXR8_Z5jdHi6B-myT')), run(wrong('reused x0a9s8d7f6g5h4j3k2l1'))],
    ['another client', run(wrong("A lost B's like")), run(wrong("B lost A's like"))],
    [
      'other clients that ended so',
      run(wrong('wasted'), [returned('rotated'), returned('no-backup')]),
      run(wrong('wasted'), [returned('no-backup'), returned('rotated')]),
    ],
    [
      'returned values that are generated',
      run(wrong('wasted'), [returned({ ok: true, id: new ObjectId(), n: 1 }), returned(uuid[0])]),
      run(wrong('wasted'), [returned({ ok: true, id: new ObjectId(), n: 2 }), returned(uuid[1])]),
    ],
    [
      'longer lists',
      run(wrong('wasted'), [returned([{ n: 1 }]), returned('x')]),
      run(wrong('wasted'), [returned([{ n: 1 }, { n: 2 }]), returned('x')]),
    ],
    [
      'what a duplicate key holds',
      run(wrong('x'), [threw(wrong('E11000 dup key: { email: "ann@x.org" }', 11_000)), returned(1)]),
      run(wrong('x'), [threw(wrong('E11000 dup key: { email: "bob@x.org" }', 11_000)), returned(1)]),
    ],
    ['colours', run(wrong('\u001B[31mexpected\u001B[39m 1')), run(wrong('expected 1'))],
  ])('%s', (_what, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });
});

describe('two failures have two keys', () => {
  test.each<[string, RunResult<unknown>, RunResult<unknown>]>([
    ['another rule', run(wrong('I1: k1 was lost')), run(wrong('I3: k1 was lost'))],
    ['another message', run(wrong('stock is negative')), run(wrong('a like was lost'))],
    ['another name of the error', run(new TypeError('lost')), run(new RangeError('lost'))],
    ['another code', run(wrong('lost', 'I1')), run(wrong('lost', 'I2'))],
    [
      'how clients ended',
      run(wrong('wrong'), [returned('rotated'), returned('rotated')]),
      run(wrong('wrong'), [returned('rotated'), returned('already-rotated')]),
    ],
    [
      'one client threw',
      run(wrong('wrong'), [returned('rotated'), returned('rotated')]),
      run(wrong('wrong'), [returned('rotated'), threw(wrong('E11000', 11_000))]),
    ],
    [
      'two winners are not two losers',
      run(wrong('wrong'), [returned('won'), returned('won'), returned('lost')]),
      run(wrong('wrong'), [returned('won'), returned('lost'), returned('lost')]),
    ],
    [
      'a client that did not take part ended in no way',
      run(wrong('wrong'), [returned('won'), { kind: 'absent' }]),
      run(wrong('wrong'), [returned('won'), returned('won')]),
    ],
  ])('%s', (_what, one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  test('two assertions with one message', () => {
    const key = (assertion: () => void): string => keyOf(run(thrownBy(assertion)));
    const [used, won] = [2, 2] as number[];
    const first = (): void => strictEqual(used, 1);
    const second = (): void => strictEqual(won, 1);
    expect(key(first)).toBe(key(first));
    expect(key(first)).not.toBe(key(second));
  });

  test('what an assertion says in its next line', () => {
    const key = (value: unknown): string => keyOf(run(thrownBy(() => deepStrictEqual(value, 'free'))));
    expect(key('taken')).not.toBe(key('broken'));
  });
});

test('a key names the error and its place without folders, and holds no message and no results', () => {
  const key = keyOf(run(wrong('the password is open sesame', 'I1'), [returned('open sesame')]));
  expect(key).toMatch(/^violated Error I1 violations\.pure\.test\.ts:\d+:\d+ #[0-9a-f]{12}$/);
});

test('errors without a message, a stack or a class have a key as well', () => {
  for (const error of [new Error(), Object.assign(new Error('x'), { stack: undefined }), 'text', undefined, { a: 1 }])
    expect(keyOf(run(error))).toMatch(/^violated \S/);
});

test('values of any form have a key', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const value of [circle, 10n, Symbol('s'), () => 1, undefined, null, Object.create(null), new Map()])
    expect(keyOf(run(wrong('x'), [returned(value)]))).toMatch(/^violated /);
});

describe('Violations', () => {
  const many = (error: (index: number) => unknown, count: number, more: Partial<RunResult<unknown>> = {}) =>
    Array.from({ length: count }, (_, index) => run(error(index), undefined, more));
  const collect = (runs: readonly RunResult<unknown>[]): Violations<unknown> => {
    const violations = new Violations<unknown>();
    for (const one of runs) violations.add(one);
    return violations;
  };

  test('541 of one kind are one', () => {
    const { all, classes } = collect(many((index) => wrong(`I1: k1 took ${index} backups`), 541));
    expect(all).toHaveLength(1);
    expect([all[0]?.classes, classes]).toEqual([541, 541]);
  });

  test('8 that are two failures under one message are two', () => {
    const outcomes = [returned('won'), threw(wrong('E11000', 11_000))];
    const { all } = collect([
      ...many(() => wrong('stock is wrong'), 5),
      ...many(() => wrong('stock is wrong'), 3, { outcomes }),
    ]);
    expect(all.map(({ classes }) => classes)).toEqual([5, 3]);
  });

  test('the simplest run stays: fewest preemptions, then fewest steps, then the first token, whatever came first', () => {
    const step = { client: 0, command: 'find', collection: 'c', touched: '{}', reply: 'null' };
    const simplest = run(wrong('x'), undefined, { token: 'v1:ABA', preemptions: 1, trace: [step, step] });
    const others: Partial<RunResult<unknown>>[] = [
      { token: 'v1:AB', preemptions: 2, trace: [step] },
      { token: 'v1:AAB', preemptions: 1, trace: [step, step, step] },
      { token: 'v1:BAB', preemptions: 1, trace: [step, step] },
    ];
    const runs = [simplest, ...others.map((more) => run(wrong('x'), undefined, more))];
    for (const order of [runs, runs.toReversed()]) {
      const { all } = collect(order);
      expect(all).toEqual([{ ...simplest, verdict: all[0]?.verdict, key: all[0]?.key, classes: 4 }]);
    }
  });

  test('valid runs do not count, and a restored violation counts for its classes', () => {
    const violations = collect([run(undefined, undefined, { verdict: { kind: 'valid' } })]);
    expect([violations.all, violations.classes]).toEqual([[], 0]);
    violations.add(run(wrong('x')), 7);
    violations.add(run(wrong('x')));
    expect([violations.all.length, violations.all[0]?.classes, violations.classes]).toEqual([1, 8, 8]);
  });
});
