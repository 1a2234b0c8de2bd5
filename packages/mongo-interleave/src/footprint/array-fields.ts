import type { Fields } from '../gate/message.ts';
import { entriesOf, listOf } from './known-fields.ts';
import { namespaceOf, type Schema } from './namespace.ts';

/**
 * Fields into which commands of this run may have put an array, as `database.collection.field`, or `database.collection.*` for all
 * fields. A filter tells only one element of the array that it finds, so two filters with different values may find the same document.
 */
export type ArrayFields = ReadonlySet<string>;

export const mayHoldArray = (made: ArrayFields, schema: Schema, namespace: string, field: string): boolean =>
  schema.of(namespace).arrays.has(field) || made.has(`${namespace}.${field}`) || made.has(`${namespace}.*`);

/** The fields into which a command may put an array. */
export function arraysMadeBy(command: Fields): string[] {
  const namespace = namespaceOf(command);
  const { documents, updates, update } = command;
  const changes = [update, ...listOf(updates).map(({ u }) => u)];
  const upserts = [command, ...listOf(updates)].filter(({ upsert }) => upsert === true);
  const fields = [
    ...listOf(documents).flatMap(arraysIn),
    ...changes.flatMap(arraysOfUpdate),
    ...upserts.flatMap(({ q, query }) => arraysOfFilter(q ?? query)),
  ];
  return fields.map((field) => `${String(namespace)}.${field}`);
}

const arraysIn = (document: Fields): string[] =>
  Object.entries(document).flatMap(([name, value]) => (Array.isArray(value) ? [name] : []));

/** An upsert takes the equalities of its filter into the new document. */
const arraysOfFilter = (filter: unknown): string[] =>
  entriesOf(filter).flatMap(([name, condition]) => {
    const mayEqualArray = name.startsWith('$') || Array.isArray(condition) || entriesOf(condition).length > 0;
    return mayEqualArray ? [name.startsWith('$') ? '*' : topLevel(name)] : [];
  });

/** Operators that never make an array. */
const SCALAR_OPERATORS: ReadonlySet<string> = new Set(['$inc', '$mul', '$bit', '$currentDate', '$unset']);

function arraysOfUpdate(update: unknown): string[] {
  if (Array.isArray(update)) return ['*'];
  const operators = entriesOf(update);
  if (!operators.some(([name]) => name.startsWith('$'))) return arraysIn(Object.fromEntries(operators));
  return operators.flatMap(([operator, changes]) =>
    entriesOf(changes).flatMap(([path, value]) => {
      if (SCALAR_OPERATORS.has(operator)) return [];
      if (operator === '$rename') return [topLevel(String(value))];
      const isValue = ['$set', '$setOnInsert', '$min', '$max'].includes(operator);
      return isValue && !Array.isArray(value) ? [] : [topLevel(path)];
    }),
  );
}

const topLevel = (path: string): string => path.split('.', 1)[0] ?? path;
