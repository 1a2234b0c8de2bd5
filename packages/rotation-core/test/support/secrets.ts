import { inspect } from 'node:util';
import { expect } from 'vitest';
import { SECRET_MARK } from './documents.ts';

/** Walks a value as loggers do - hidden properties, causes and all - and expects no apiKey in it. */
export function expectNoSecret(value: unknown): void {
  const seen = inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
  expect(seen).not.toContain(SECRET_MARK);
  expect(JSON.stringify(value)).not.toContain(SECRET_MARK);
  if (value instanceof Error) {
    expect(`${value.message} ${String(value.stack)}`).not.toContain(SECRET_MARK);
    if (value.cause !== undefined) expectNoSecret(value.cause);
  }
}
