import { describe, expect, test } from 'vitest';
import { COMMON_FAILURES, definePool, OPENAI_FAILURES, type FailureRule, type FailureRules } from '../src/index.ts';
import { rejectionOf } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

const define = (failures: Partial<FailureRules>): unknown =>
  definePool({ ...deletingPool, failures: { rules: COMMON_FAILURES, coolDownMs: 60_000, ...failures } });
const refusal = (failures: Partial<FailureRules>): string =>
  rejectionOf(() => define(failures), 'invalid-argument').message;
const refusalOf = (...rules: readonly unknown[]): string => refusal({ rules: untyped(rules) });

const exhausted = { action: 'rotate', reason: 'exhausted' } as const;
const revoked = { action: 'rotate', reason: 'auth-error' } as const;
const none = { action: 'none' } as const;

describe('a rule that can mean nothing is refused, with what is wrong', () => {
  test.each<readonly [string, object]>([
    ['unknown action "rotat"', { statuses: [401], action: 'rotat' }],
    ['unknown action undefined', { statuses: [401] }],
    ['unknown reason "quota"', { statuses: [401], action: 'rotate', reason: 'quota' }],
    ['reason is no field of a rule with the action none', { statuses: [401], action: 'none', reason: 'exhausted' }],
    ['marker is no field', { statuses: [400], marker: ['x'], ...exhausted }],
    ['200 is no status of a failure', { statuses: [200], ...none }],
    ['600 is no status of a failure', { statuses: [600], ...none }],
    ['"429" is no status of a failure', { statuses: ['429'], ...none }],
    ['statuses: expected a list', { statuses: [], ...none }],
    ['statuses: expected a list', { ...none }],
    ['status 503 is an outage', { statuses: [402, 503], ...exhausted }],
    ['markers: "" can never be found', { statuses: [400], markers: [''], ...exhausted }],
    ['markers: "  " can never be found', { statuses: [400], markers: ['quota', '  '], ...exhausted }],
    ['markers: 7 can never be found', { statuses: [400], markers: [7], ...exhausted }],
    ['quotation marks', { statuses: [400], markers: ['the "quota"'], ...exhausted }],
    ['markers: expected a list', { statuses: [400], markers: [], ...exhausted }],
    ['codes: expected a list', { statuses: [400], codes: [], ...exhausted }],
    ['from 1 to 86400000, got 0', { statuses: [429], action: 'cool-down', coolDownMs: 0 }],
    ['from 1 to 86400000, got 86400001', { statuses: [429], action: 'cool-down', coolDownMs: 86_400_001 }],
  ])('%s', (fault, rule) => {
    expect(refusalOf(rule)).toMatch(/^Pool failures\.rules\[0\]: /);
    expect(refusalOf(rule)).toContain(fault);
  });
});

describe('a rule that is never reached is refused', () => {
  test.each<readonly [string, object, object]>([
    ['never reached for status 401', { statuses: [401], ...revoked }, { statuses: [401], codes: ['x'], ...exhausted }],
    [
      'never reached for status 401',
      { statuses: [401], ...revoked },
      { statuses: [400, 401], markers: ['x'], ...exhausted },
    ],
    ['never reached for status 401', { statuses: [401], ...revoked }, { statuses: [401], ...none }],
    [
      'the marker "monthly quota" never decides',
      { statuses: [400], markers: ['QUOTA'], ...none },
      { statuses: [400], markers: ['monthly quota', 'x'], ...exhausted },
    ],
    [
      'the code "quota_gone" never decides',
      { statuses: [400], codes: ['QUOTA_GONE'], ...none },
      { statuses: [400], codes: ['quota_gone', 'x'], ...exhausted },
    ],
    [
      'never reached for status 400',
      { statuses: [400], markers: ['quota_gone'], ...none },
      { statuses: [400], codes: ['quota_gone'], ...exhausted },
    ],
  ])('%s', (fault, first, second) => {
    expect(refusalOf(first, second)).toMatch(/^Pool failures\.rules\[1\]: /);
    expect(refusalOf(first, second)).toContain(fault);
  });

  test('a rule of the service behind a preset that decides', () => {
    const late: FailureRule = { statuses: [401], markers: ['quota'], ...exhausted };
    expect(refusalOf(...COMMON_FAILURES, late)).toContain('never reached for status 401');
    // An upstream's rules behind those for whole statuses: insufficient_quota would cool down for ever.
    expect(refusalOf(...COMMON_FAILURES, ...OPENAI_FAILURES)).toMatch(/of the preset openai\): never reached/);
  });

  test.each<readonly [string, readonly object[]]>([
    [
      'the words of one are part of a longer word',
      [
        { statuses: [400], markers: ['quota'], ...none },
        { statuses: [400], markers: ['quotas'], ...exhausted },
      ],
    ],
    [
      'a code does not stand for a marker',
      [
        { statuses: [400], codes: ['quota'], ...none },
        { statuses: [400], markers: ['quota'], ...exhausted },
      ],
    ],
    [
      'other statuses',
      [
        { statuses: [400], ...none },
        { statuses: [402], ...exhausted },
      ],
    ],
    ['an own rule that overrides a preset', [{ statuses: [403], ...none }, ...COMMON_FAILURES]],
    ['a preset after another', [...OPENAI_FAILURES, ...COMMON_FAILURES]],
  ])('not so: %s', (_title, rules) => {
    expect(() => define({ rules: untyped(rules) })).not.toThrow();
  });
});

test.each([0, -1, 1.5, Number.NaN, 86_400_001])('coolDownMs %d is refused', (coolDownMs) => {
  expect(refusal({ coolDownMs })).toContain('failures.coolDownMs: ');
});

describe('marks', () => {
  test.each<readonly [string, object]>([
    ['marks.coolDownField', { coolDownField: 'a.b' }],
    ['marks.coolDownField', { coolDownField: '_id' }],
    ['marks.statusField', { statusField: 'replacedBy' }],
    ['marks.lastErrorField', { lastErrorField: '' }],
    ['the fields must differ', { lastErrorField: 'status' }],
    ['marks.exhaustedMs', { exhaustedMs: 0 }],
    ['marks.statuses.auth-error', { statuses: { exhausted: 2 } }],
  ])('%s', (fault, marks) => {
    expect(refusal({ marks })).toContain(fault);
  });

  test('names and values of the service are taken', () => {
    const marks = { statusField: 'state', statuses: { exhausted: 3, 'auth-error': 'broken' }, exhaustedMs: 1 };
    expect(() => define({ marks })).not.toThrow();
  });
});
