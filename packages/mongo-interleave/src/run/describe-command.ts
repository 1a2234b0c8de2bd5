import { entriesOf, listOf } from '../footprint/known-fields.ts';
import { collectionNameOf } from '../footprint/namespace.ts';
import type { Fields } from '../gate/message.ts';
import { nameAnd, type ShownValues } from './shown-values.ts';

/** Of a command with several statements or documents so many are described. */
const MAX_STATEMENTS = 3;

/** Operators of an update whose operands say nothing. */
const WITHOUT_OPERAND = new Set(['$unset', '$currentDate']);

/** Stages of a pipeline that read or write another collection. */
const OTHER_COLLECTION: Readonly<Record<string, string>> = {
  $lookup: 'from',
  $graphLookup: 'from',
  $unionWith: 'from',
  $out: 'into',
  $merge: 'into',
};

/**
 * What a command looks for and what it does: its filter, its update, its documents, the stages of its pipeline. As in
 * `{ _id: "p" } $set { count: 2 } upsert`.
 */
export function describeCommand(name: string, body: Fields, values: ShownValues): string {
  const start = body['startTransaction'] === true ? ['startTransaction'] : [];
  return [...start, ...partsOf(name, body, values)].join(' ');
}

function partsOf(name: string, body: Fields, values: ShownValues): readonly string[] {
  switch (name) {
    case 'insert':
      return [listed(listOf(body['documents']), (document) => values.document(document), ', ')];
    case 'update':
      return [listed(listOf(body['updates']), (statement) => updateStatement(statement, values), '; ')];
    case 'delete':
      return [listed(listOf(body['deletes']), ({ q }) => values.document(q), '; ')];
    case 'findAndModify': {
      const { query, sort, remove, update, upsert } = body;
      const change = remove === true ? 'remove' : describeUpdate(update, values);
      return [...filterAndSort(query, sort, values), change, ...(upsert === true ? ['upsert'] : [])];
    }
    case 'aggregate':
      return [pipeline(body['pipeline'], values)];
    case 'createIndexes':
      return [listed(listOf(body['indexes']), ({ name: index }) => String(index), ', ')];
    case 'distinct':
      return [String(body['key']), ...filterAndSort(body['query'], undefined, values)];
    case 'bulkWrite':
      return [listed(listOf(body['ops']), (operation) => bulkOperation(operation, body, values), '; ')];
    default:
      return filterAndSort(body['filter'] ?? body['query'], body['sort'], values);
  }
}

function filterAndSort(filter: unknown, sort: unknown, values: ShownValues): string[] {
  const filters = filter === undefined ? [] : [values.document(filter)];
  return entriesOf(sort).length === 0 ? filters : [...filters, `sort ${sortText(sort)}`];
}

/** The directions of a sort are no data. */
const sortText = (sort: unknown): string =>
  `{ ${entriesOf(sort)
    .map(([name, direction]) => nameAnd(name, typeof direction === 'number' ? String(direction) : ''))
    .join(', ')} }`;

const updateStatement = ({ q, u, upsert }: Fields, values: ShownValues): string =>
  [values.document(q), describeUpdate(u, values), ...(upsert === true ? ['upsert'] : [])].join(' ');

/** As in `$set { count: 2 } $addToSet likes`, `replace { _id: "p" }`, or the stages of a pipeline. */
function describeUpdate(update: unknown, values: ShownValues): string {
  if (Array.isArray(update)) return pipeline(update, values);
  const entries = entriesOf(update);
  if (!entries.some(([name]) => name.startsWith('$'))) return `replace ${values.document(update)}`;
  return entries.map(([operator, fields]) => `${operator} ${changes(operator, fields, values)}`).join(' ');
}

/** The changed fields, in braces if a value is shown. */
function changes(operator: string, fields: unknown, values: ShownValues): string {
  const all = entriesOf(fields).map(([path, value]) => {
    if (operator === '$rename') return { path, text: String(value) };
    return { path, text: WITHOUT_OPERAND.has(operator) ? '' : values.value(value, path) };
  });
  const list = all.map(({ path, text }) => nameAnd(path, text)).join(', ');
  return all.some(({ text }) => text !== '') ? `{ ${list} }` : list;
}

/** As in `$match { state: "new" }, $lookup from orders, $group`. */
const pipeline = (stages: unknown, values: ShownValues): string =>
  listOf(stages)
    .flatMap((stage) => entriesOf(stage).map(([name, operand]) => stageText(name, operand, values)))
    .join(', ');

function stageText(name: string, operand: unknown, values: ShownValues): string {
  const preposition = OTHER_COLLECTION[name];
  if (preposition !== undefined) return [name, preposition, collectionIn(operand)].join(' ');
  switch (name) {
    case '$match':
      return `${name} ${values.document(operand)}`;
    case '$set':
    case '$addFields':
      return `${name} ${changes(name, operand, values)}`;
    case '$unset':
      return `${name} ${Array.isArray(operand) ? operand.join(', ') : String(operand)}`;
    case '$sort':
      return `${name} ${sortText(operand)}`;
    case '$limit':
    case '$skip':
      return `${name} ${String(operand)}`;
    default:
      return name;
  }
}

/** The collection that a stage names, in each of its forms: `"c"`, `{ from: "c" }`, `{ coll: "c" }`, `{ into: "c" or { coll: "c" } }`. */
function collectionIn(operand: unknown): string {
  if (typeof operand === 'string') return operand;
  const fields = new Map(entriesOf(operand));
  const named = fields.get('from') ?? fields.get('coll') ?? fields.get('into');
  return named === undefined ? 'documents' : collectionIn(named);
}

/** One operation of `bulkWrite`, which names its collection by a number. */
function bulkOperation(operation: Fields, { nsInfo }: Fields, values: ShownValues): string {
  const [[kind, place] = ['', 0]] = entriesOf(operation);
  const namespace = listOf(nsInfo)[Number(place)]?.['ns'];
  const collection = typeof namespace === 'string' ? collectionNameOf(namespace) : '';
  const { document, filter, updateMods, upsert } = operation;
  const what =
    kind === 'insert'
      ? values.document(document)
      : kind === 'update'
        ? updateStatement({ q: filter, u: updateMods, upsert }, values)
        : values.document(filter);
  return `${kind} ${collection} ${what}`;
}

function listed(all: readonly Fields[], describe: (one: Fields) => string, separator: string): string {
  const texts = all.slice(0, MAX_STATEMENTS).map(describe);
  const rest = all.length - texts.length;
  return [...texts, ...(rest === 0 ? [] : [`and ${rest} more`])].join(separator);
}
