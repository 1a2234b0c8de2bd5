import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/trial/duration.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
])('%s', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
  expect(formatDuration(durationMs)).toBe(text);
});

test.each(['', '30', 's', '1.5s', '-1s', '30 s', '1d'])('"%s" is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
