import { ObjectId } from 'mongodb';
import type { Fields } from '../gate/message.ts';

/**
 * What is known about a document, or asked of it: the values that a field may have. `undefined` stands for a field about
 * which nothing is known. Values are texts that are equal exactly when MongoDB's comparison says so (see {@link valueText}).
 */
export type KnownFields = ReadonlyMap<string, ReadonlySet<string> | undefined>;

/** The text for a missing field and for null, which a filter can't tell apart. */
export const NULL_TEXT = 'null';

/**
 * Comparable text of a scalar; undefined for all that may equal something written otherwise (arrays, decimals, ...), and for
 * times: they differ from run to run, and filters hardly ask for one.
 */
function valueText(value: unknown): string | undefined {
  if (value === null || value === undefined) return NULL_TEXT;
  if (typeof value === 'string') return `string ${value}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`;
  return value instanceof ObjectId ? `id ${value.toHexString()}` : undefined;
}

/**
 * The equalities that a filter demands of a document: `{ f: v }`, `{ f: { $eq: v } }`, `{ f: { $in: [...] } }`. Anything
 * else is left out, which can only make the filter seem to match more.
 */
export function demandedBy(filter: unknown): KnownFields {
  const fields = new Map<string, ReadonlySet<string>>();
  for (const [name, condition] of entriesOf(filter)) {
    if (name.startsWith('$') || name.includes('.')) continue;
    const texts = demandedValues(condition).map(valueText);
    if (texts.length > 0 && texts.every((text) => text !== undefined)) fields.set(name, new Set(texts));
  }
  return fields;
}

function demandedValues(condition: unknown): readonly unknown[] {
  const operators = entriesOf(condition);
  if (operators.length === 0 || !operators.every(([name]) => name.startsWith('$'))) return [condition];
  const values = operators.flatMap(([name, value]) => (name === '$eq' ? [value] : name === '$in' ? [value] : []));
  const [first] = values;
  if (values.length !== 1) return [];
  return Array.isArray(first) ? first : [first];
}

/** All fields of a whole document. */
export function fieldsOf(document: Fields): Map<string, ReadonlySet<string> | undefined> {
  return new Map(Object.entries(document).map(([name, value]) => [name, oneValue(value)]));
}

function oneValue(value: unknown): ReadonlySet<string> | undefined {
  const text = valueText(value);
  return text === undefined ? undefined : new Set([text]);
}

/**
 * What is known after an update, given what was known before. Pipelines and unknown operators leave only `_id`.
 *
 * @param isInsert an upsert that found nothing; elsewhere `$setOnInsert` does nothing
 */
export function afterUpdate(before: KnownFields, update: unknown, isInsert: boolean): KnownFields {
  const id = new Map([...before].filter(([name]) => name === '_id'));
  const operators = entriesOf(update);
  if (Array.isArray(update)) return id;
  if (!operators.some(([name]) => name.startsWith('$'))) return new Map([...id, ...fieldsOf(update as Fields)]);
  const after = new Map(before);
  for (const [operator, changes] of operators) {
    if (operator === '$setOnInsert' && !isInsert) continue;
    for (const [path, value] of entriesOf(changes)) {
      const [field = path] = path.split('.');
      const isSet = (operator === '$set' || operator === '$setOnInsert') && field === path;
      after.set(field, isSet ? oneValue(value) : undefined);
      // Its target is a field as well.
      if (operator === '$rename' && typeof value === 'string') after.set(value.split('.')[0] ?? value, undefined);
    }
  }
  return after;
}

/** Does an update write this field, or what it is a part of, or a part of it, as far as one can tell? */
export function mayChange(update: unknown, path: string): boolean {
  const [field = path] = path.split('.');
  if (Array.isArray(update)) return true;
  const operators = entriesOf(update);
  if (!operators.some(([name]) => name.startsWith('$'))) return true;
  return operators.some(([operator, changes]) =>
    entriesOf(changes).some(
      ([changed, value]) =>
        changed.split('.')[0] === field || (operator === '$rename' && String(value).split('.')[0] === field),
    ),
  );
}

/** The documents in an array of a command. */
export const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);

/** Entries of a plain document; none for scalars, arrays and BSON's classes. */
export function entriesOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return [];
  return '_bsontype' in value || value instanceof RegExp ? [] : Object.entries(value);
}
