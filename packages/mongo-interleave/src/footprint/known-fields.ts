import { Binary, ObjectId } from 'mongodb';
import type { Fields } from '../gate/message.ts';

/**
 * What is known of a document, or demanded by a filter: the values that each field may have. `undefined` stands for a field of unknown
 * value. Values are texts that are equal exactly if MongoDB compares the values as equal (see {@link valueText}).
 */
export type KnownFields = ReadonlyMap<string, ReadonlySet<string> | undefined>;

/** The text of a missing field and of null, which a filter can't tell apart. */
export const NULL_TEXT = 'null';

/** How the texts of strings begin. */
export const STRING = 'string ';

/** The text of a field's name, which is no text of a value. */
export const fieldText = (name: string): string => `field ${name}`;

/**
 * The comparable text of a scalar. Undefined for values that may equal a value of another form (arrays, decimals, ...), and for times,
 * which differ from run to run.
 */
export function valueText(value: unknown): string | undefined {
  if (value === null || value === undefined) return NULL_TEXT;
  if (typeof value === 'string') return STRING + value;
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`;
  if (value instanceof ObjectId) return `id ${value.toHexString()}`;
  return value instanceof Binary ? `binary ${value.sub_type} ${value.toString('hex')}` : undefined;
}

/**
 * A value as text, of which the callers say how much counts. Times have no text.
 *
 * @param textOf what stands for the text of a scalar
 * @param fieldOf what stands for the name of a field
 */
export function contentWith(
  value: unknown,
  textOf: (text: string) => string,
  fieldOf: (name: string) => string,
): string {
  const text = valueText(value);
  if (text !== undefined) return JSON.stringify(textOf(text));
  if (Array.isArray(value)) return `[${value.map((one) => contentWith(one, textOf, fieldOf)).join()}]`;
  const fields = entriesOf(value).map(([name, one]) => `${fieldOf(name)}:${contentWith(one, textOf, fieldOf)}`);
  return `{${fields.join()}}`;
}

/** Calls with the text of each scalar that has one, and with the name of each field. */
export function eachPart(value: unknown, onText: (text: string) => void, onField: (name: string) => void): void {
  const text = valueText(value);
  if (text !== undefined) return onText(text);
  if (Array.isArray(value)) for (const one of value) eachPart(one, onText, onField);
  else
    for (const [name, one] of entriesOf(value)) {
      onField(name);
      eachPart(one, onText, onField);
    }
}

/** The same without what is known of strings: a collation may take other strings for equal. */
export const withoutStrings = (fields: KnownFields): KnownFields =>
  new Map(
    [...fields].filter(([, values]) => values === undefined || [...values].every((text) => !text.startsWith(STRING))),
  );

/**
 * The equalities that a filter demands of a document: `{ f: v }`, `{ f: { $eq: v } }`, `{ f: { $in: [...] } }`. Other conditions are left
 * out, so that the filter may seem to match more documents, never fewer.
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
 * What is known of a document after an update, given what was known before. After a pipeline only `_id` is known. A field that an
 * operator other than `$set` changes becomes unknown.
 *
 * @param isInsert true for an upsert that found nothing; otherwise `$setOnInsert` has no effect
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
      // The new name of a renamed field.
      if (operator === '$rename' && typeof value === 'string') after.set(value.split('.')[0] ?? value, undefined);
    }
  }
  return after;
}

/** May an update change this field, a parent of it or a part of it? */
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
