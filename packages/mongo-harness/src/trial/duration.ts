const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as users write it: `500ms`, `30s`, `5m`, `2h`. @returns milliseconds, or `undefined` where the text is no duration */
export function parseDuration(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,7})(ms|s|m|h)$/.exec(text) ?? [];
  return unit === '' ? undefined : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

/** In the largest unit in which it is a whole number. */
export const formatDuration = (durationMs: number): string => {
  const unit = (['h', 'm', 's'] as const).find((one) => durationMs % UNIT_MS[one] === 0) ?? 'ms';
  return `${durationMs / UNIT_MS[unit]}${unit}`;
};
