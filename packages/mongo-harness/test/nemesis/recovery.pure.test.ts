import { describe, expect, test } from 'vitest';
import { inquiriesOf, metBy, outageMsOf, recoveryMsOf, unserved } from '../../src/nemesis/recovery.ts';
import type { Operation } from '../../src/system/history.ts';
import type { Seats } from '../support/seats-system.ts';

const operation = (
  seat: string,
  invokedAtMs: number,
  completedAtMs: number | undefined,
  answer: Operation<Seats>['answer'],
  process = 0,
): Operation<Seats> => ({
  caller: 0,
  process,
  service: 'box-office',
  call: { op: 'reserve', seat },
  invokedAtMs,
  ...(completedAtMs === undefined ? {} : { completedAtMs }),
  answer,
});
const sold: Seats['answer'] = { kind: 'reserved', ticket: 't' };
const crashed = { kind: 'crashed' } as const;
const error = { kind: 'error', code: 'unexpected', message: 'no primary' } as const;

describe('the calls that a fault met', () => {
  const operations = [
    operation('s1', 0, 10, sold),
    operation('s2', 5, 30, sold, 1),
    operation('s3', 40, undefined, crashed),
  ];

  test.each([
    ['before all of them', { atMs: -5, endedAtMs: -1 }, 0],
    ['while two were under way', { atMs: 6, endedAtMs: 8 }, 2],
    ['between calls', { atMs: 31, endedAtMs: 39 }, 0],
    ['one that is never answered', { atMs: 50, endedAtMs: 60 }, 1],
    ['in one process', { atMs: 6, endedAtMs: 8, process: 1 }, 1],
    ['with commands', { atMs: 6, endedAtMs: 8, commands: 3 }, 2],
    ['without a command', { atMs: 6, endedAtMs: 8, commands: 0 }, 0],
  ])('%s', (_, fault, met) => {
    expect(metBy({ kind: 'step-down', ...fault }, operations)).toBe(met);
  });
});

describe('recovery', () => {
  const fault = { kind: 'step-down', atMs: 5, endedAtMs: 20 };

  test('lasts until the first call is served', () => {
    const operations = [operation('s1', 0, 15, sold), operation('s2', 6, 25, error), operation('s3', 6, 27, sold)];
    expect(recoveryMsOf(undefined, fault, operations)).toBe(7);
    expect(recoveryMsOf({ isServed: () => false }, fault, operations)).toBeUndefined();
  });

  test.each([
    ['nobody was served before the fault was over', [40], 35],
    ['some were', [6, 8, 18, 40], 22],
    ['nobody was served any more', [6], 14],
  ])('the longest time without: %s', (_, completed, outageMs) => {
    const operations = completed.map((completedAtMs) => operation('s1', 0, completedAtMs, sold));
    expect(outageMsOf(undefined, fault, [...operations, operation('s2', 0, 10, error)])).toBe(outageMs);
  });

  test('asks again what nobody was served, each call once', () => {
    const operations = [
      operation('s1', 0, 15, error),
      operation('s1', 0, 16, sold),
      operation('s2', 0, undefined, crashed),
      operation('s2', 0, 17, error),
      operation('s3', 0, 18, { kind: 'sold-out' }),
    ];
    const seats = (recovery?: Parameters<typeof unserved<Seats>>[0]) =>
      unserved<Seats>(recovery, operations).map(({ seat }) => seat);
    expect(seats()).toEqual(['s2']);
    expect(seats({ isServed: ({ kind }) => kind !== 'sold-out' })).toEqual(['s2', 's3']);
    expect(seats({ probe: ({ seat }) => ({ op: 'reserve', seat: `${seat} again` }) })).toEqual(['s2 again']);
    expect(seats({ probe: () => undefined })).toEqual([]);
  });

  test('asks what became of calls in doubt, each once', () => {
    const operations = [
      operation('s1', 0, 15, error),
      operation('s1', 0, 16, error),
      operation('s2', 0, undefined, crashed),
      operation('s3', 0, 17, sold),
    ];
    const inquiry = ({ seat }: Seats['call'], { kind }: Operation<Seats>['answer']): Seats['call'] | undefined =>
      kind === 'error' ? { op: 'reserve', seat: `who has ${seat}` } : undefined;
    expect(inquiriesOf<Seats>({ inquiry }, operations)).toEqual([{ op: 'reserve', seat: 'who has s1' }]);
    expect(inquiriesOf<Seats>({}, operations)).toEqual([]);
  });
});
