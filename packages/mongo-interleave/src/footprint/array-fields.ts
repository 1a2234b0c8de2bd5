import type { Db } from 'mongodb';
import { commandName, type Fields } from '../gate/message.ts';
import { entriesOf, listOf } from './known-fields.ts';

/**
 * Fields that hold an array in some document, as `collection.field`, or `collection.*` for all fields. A filter tells only one element
 * of the array that it finds, so two filters with different values may find the same document.
 */
export type ArrayFields = ReadonlySet<string>;

/** The fields that hold arrays in the documents of a database. */
export async function readArrayFields(db: Db): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { name } of await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray()) {
    const fields = db
      .collection(name)
      .aggregate<{ readonly _id: string }>([
        { $project: { field: { $objectToArray: '$$ROOT' } } },
        { $unwind: '$field' },
        { $match: { $expr: { $isArray: '$field.v' } } },
        { $group: { _id: '$field.k' } },
      ]);
    for await (const { _id: field } of fields) found.add(`${name}.${field}`);
  }
  return found;
}

export const mayHoldArray = (arrays: ArrayFields, collection: string, field: string): boolean =>
  arrays.has(`${collection}.${field}`) || arrays.has(`${collection}.*`);

/** The fields into which a command may put an array. */
export function arraysMadeBy(command: Fields): string[] {
  const collection = command[commandName(command)];
  const { documents, updates, update } = command;
  const changes = [update, ...listOf(updates).map(({ u }) => u)];
  const fields = [...listOf(documents).flatMap(arraysIn), ...changes.flatMap(arraysOfUpdate)];
  return fields.map((field) => `${String(collection)}.${field}`);
}

const arraysIn = (document: Fields): string[] =>
  Object.entries(document).flatMap(([name, value]) => (Array.isArray(value) ? [name] : []));

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
