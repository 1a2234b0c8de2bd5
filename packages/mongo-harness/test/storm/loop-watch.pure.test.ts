import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LoopWatch } from '../../src/storm/loop-watch.ts';

const LONG_MS = 200;
const SHORT_MS = 60;

/** Holds up the event loop. */
function hold(durationMs: number): void {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs);
}

test('the longest time for which the process was held up since then', async () => {
  const watch = new LoopWatch();
  const before = performance.now();
  hold(LONG_MS);
  await sleep(20);
  const between = performance.now();
  hold(SHORT_MS);
  // Also before a timer has fired.
  expect(watch.longestSince(between)).toBeGreaterThanOrEqual(SHORT_MS - 10);
  await sleep(20);
  expect(watch.longestSince(before)).toBeGreaterThanOrEqual(LONG_MS - 10);
  expect(watch.longestSince(performance.now() + 1)).toBe(0);
});
