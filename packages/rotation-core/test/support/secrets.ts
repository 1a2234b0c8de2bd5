import { inspect } from 'node:util';
import { expect } from 'vitest';
import { SECRET_MARK } from './documents.ts';

/** Deeper than anything that a logger follows. */
const MAX_VALUES = 100_000;

/**
 * Walks a value as loggers do, and expects no apiKey in it: own properties, also hidden ones and those under symbols, getters,
 * causes, aggregated errors, entries of maps and sets, bytes, and the fields of the classes in between.
 */
export function expectNoSecret(value: unknown): void {
  const found = findSecret(value);
  if (found !== undefined) throw new Error(`${SECRET_MARK} stands at ${found}`);
  const seen = inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    getters: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
  expect(seen).not.toContain(SECRET_MARK);
  expect(JSON.stringify(value) ?? '').not.toContain(SECRET_MARK);
}

/** The path to the secret; undefined where there is none. */
function findSecret(root: unknown): string | undefined {
  const passed = new Set<unknown>();
  const waiting: { path: string; value: unknown }[] = [{ path: 'value', value: root }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, value } = next;
    if (typeof value === 'string' && value.includes(SECRET_MARK)) return path;
    if (ArrayBuffer.isView(value) && Buffer.from(value.buffer).includes(SECRET_MARK)) return path;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || passed.has(value)) continue;
    passed.add(value);
    if (passed.size > MAX_VALUES) throw new Error(`more than ${String(MAX_VALUES)} values hang on this one`);
    for (const part of partsOf(value)) waiting.push({ path: `${path}.${part.name}`, value: part.value });
  }
  return undefined;
}

function partsOf(value: object): { name: string; value: unknown }[] {
  const parts = Reflect.ownKeys(value).map((name) => ({
    name: String(name),
    value: Reflect.get(value, name, value) as unknown,
  }));
  for (const name of Reflect.ownKeys(value)) parts.push({ name: 'name', value: String(name) });
  if (value instanceof Map)
    for (const [name, entry] of value) parts.push({ name: 'key', value: name }, { name: 'entry', value: entry });
  if (value instanceof Set) for (const entry of value) parts.push({ name: 'entry', value: entry });
  if (value instanceof Error)
    parts.push(
      { name: 'message', value: value.message },
      { name: 'stack', value: value.stack },
      { name: 'cause', value: value.cause },
    );
  return parts;
}
