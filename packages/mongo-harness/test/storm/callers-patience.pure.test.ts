import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CallersPatience } from '../../src/storm/callers-patience.ts';

const COUNT = 200;
const aPart = { probability: 0.5, seed: 3 } as const;
const open = () => {
  const patience = new CallersPatience(() => performance.now());
  return { patience, begin: () => Array.from({ length: COUNT }, () => patience.begin()) };
};

test('callers that wait, and those that come, give up in their time, a part of them, the same for the same seed', async () => {
  const gaveUp = await Promise.all(
    [open(), open()].map(async ({ patience, begin }) => {
      const waiting = begin();
      patience.set({ ...aPart, minWaitMs: 1, maxWaitMs: 20, onEnd: 'given-up' });
      waiting.push(...begin());
      await sleep(100);
      for (const { patience: own, gaveUpAtMs } of waiting)
        expect(own).toEqual({ signal: expect.objectContaining({ aborted: gaveUpAtMs() !== undefined }) });
      return waiting.flatMap(({ gaveUpAtMs }, index) => (gaveUpAtMs() === undefined ? [] : [index]));
    }),
  );
  expect(gaveUp[0]).toEqual(gaveUp[1]);
  for (const ofBoth of [(index: number) => index < COUNT, (index: number) => index >= COUNT]) {
    const count = gaveUp[0]?.filter(ofBoth).length;
    expect(count).toBeGreaterThan(COUNT / 4);
    expect(count).toBeLessThan((3 * COUNT) / 4);
  }
});

test('who has an answer does not give up, and nobody does when the fault is over', async () => {
  const { patience } = open();
  patience.set({ ...aPart, probability: 1, minWaitMs: 5, maxWaitMs: 5, onEnd: 'given-up' });
  const answered = patience.begin();
  answered.end();
  patience.set(undefined);
  const late = patience.begin();
  await sleep(50);
  expect([answered.gaveUpAtMs(), late.gaveUpAtMs()]).toEqual([undefined, undefined]);
});

test('calls have deadlines of their own as long as the fault lasts', () => {
  const { patience, begin } = open();
  const own = () => begin().flatMap(({ patience: { deadlineMs } }) => deadlineMs ?? []);
  expect(own()).toEqual([]);
  patience.set({ ...aPart, minWaitMs: 5, maxWaitMs: 9, onEnd: 'answered' });
  const hurried = own();
  expect(hurried.length).toBeGreaterThan(COUNT / 4);
  expect(hurried.length).toBeLessThan((3 * COUNT) / 4);
  expect(Math.min(...hurried)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...hurried)).toBeLessThanOrEqual(9);
  patience.set(undefined);
  expect(own()).toEqual([]);
});
