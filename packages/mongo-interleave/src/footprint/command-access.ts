import { commandName, type Fields } from '../gate/message.ts';
import type { Image, Selector } from './footprint.ts';
import {
  NULL_TEXT,
  afterUpdate,
  demandedBy,
  entriesOf,
  fieldsOf,
  mayChange,
  type KnownFields,
} from './known-fields.ts';
import type { UniqueKeys } from './unique-keys.ts';

/** What a command does to the documents of one collection. */
export interface Access {
  /** What it looks for, which the command alone tells. */
  readonly reads: readonly Selector[];
  /** Documents as they were and as they became; empty when the reply says that nothing changed. */
  writes(reply: Fields): readonly Image[];
  readonly isWrite: boolean;
}

type Rule = (command: Fields, collection: string, unique: UniqueKeys) => Access | undefined;

/**
 * What a command would read, and write if it matches.
 *
 * @returns undefined for commands that are not known here, such as `createIndexes`
 */
export function accessOf(command: Fields, unique: UniqueKeys): Access | undefined {
  const name = commandName(command);
  const collection = command[name === 'getMore' ? 'collection' : name];
  return typeof collection === 'string' ? rules[name]?.(command, collection, unique) : undefined;
}

const reading = (reads: readonly Selector[]): Access => ({ reads, writes: () => [], isWrite: false });

const rules: Readonly<Record<string, Rule>> = {
  find: (command, collection) => reading([select(collection, command['filter'], command)]),
  count: (command, collection) => reading([select(collection, command['query'], command)]),
  distinct: (command, collection) => reading([select(collection, command['query'], command)]),
  getMore: (_command, collection) => reading([{ collection, fields: new Map() }]),
  aggregate: (command, collection) => {
    const stages = listOf(command['pipeline']);
    if (stages.some(reachesElsewhere)) return undefined;
    return reading([select(collection, stages[0]?.['$match'], command)]);
  },
  insert: (command, collection, unique) => {
    const documents = listOf(command['documents']);
    const images = documents.map((document) => ({ collection, fields: fieldsOf(document), whole: true }));
    const reads = images.flatMap((image) => uniqueSelectors(image, unique, () => true));
    return { reads, isWrite: true, writes: (reply) => (isCount(reply['n']) ? images : []) };
  },
  delete: (command, collection) => {
    const reads = listOf(command['deletes']).map((statement) => select(collection, statement['q'], statement));
    const images = reads.map(({ fields }) => ({ collection, fields, whole: false }));
    return { reads, isWrite: true, writes: (reply) => (isCount(reply['n']) ? images : []) };
  },
  update: (command, collection, unique) => {
    const accesses = listOf(command['updates']).map((statement) =>
      updateAccess(select(collection, statement['q'], statement), statement['u'], statement['upsert'] === true, unique),
    );
    const images = accesses.flatMap((access) => access.images);
    return {
      reads: accesses.flatMap((access) => access.reads),
      isWrite: true,
      writes: (reply) => (isCount(reply['nModified']) || reply['upserted'] !== undefined ? images : []),
    };
  },
  findAndModify: (command, collection, unique) => {
    const selector = select(collection, command['query'], command);
    const { update } = command;
    const isUpsert = command['upsert'] === true;
    return {
      reads: update === undefined ? [selector] : updateAccess(selector, update, isUpsert, unique).reads,
      isWrite: true,
      writes: (reply) => modifiedImages(command, selector, reply),
    };
  },
};

/** A stage that reads or writes other collections. */
function reachesElsewhere(stage: Fields): boolean {
  const elsewhere = [
    '$lookup',
    '$graphLookup',
    '$unionWith',
    '$facet',
    '$out',
    '$merge',
    '$currentOp',
    '$listSessions',
  ];
  return elsewhere.some((name) => name in stage);
}

/** With a collation of its own a filter matches more than equal values. */
const select = (collection: string, filter: unknown, { collation }: Fields): Selector => ({
  collection,
  fields: collation === undefined ? demandedBy(filter) : new Map(),
});

interface UpdateAccess {
  readonly reads: readonly Selector[];
  readonly images: readonly Image[];
}

function updateAccess(selector: Selector, update: unknown, upsert: boolean, unique: UniqueKeys): UpdateAccess {
  const { collection } = selector;
  const before: Image = { collection, fields: selector.fields, whole: false };
  const after: Image = { collection, fields: afterUpdate(selector.fields, update), whole: false };
  const isTouched = (field: string) => upsert || mayChange(update, field);
  // No update changes an `_id`; only an upsert brings a new one.
  const [id, ...others] = uniqueSelectors(after, unique, isTouched);
  const reads = [selector, ...(upsert && id !== undefined ? [id] : []), ...others];
  return { reads, images: [before, after] };
}

/** Documents that would stand in the way of this one: same `_id` (first), same values in a unique index. */
function uniqueSelectors(image: Image, unique: UniqueKeys, isTouched: (field: string) => boolean): Selector[] {
  const { collection } = image;
  const keys = (unique.get(collection) ?? []).filter((fields) => fields.some(isTouched));
  return [['_id'], ...keys].map((fields) => ({ collection, fields: pick(image, fields) }));
}

function pick({ fields, whole }: Image, names: readonly string[]): KnownFields {
  const missing = new Set([NULL_TEXT]);
  return new Map(names.map((name) => [name, fields.has(name) || !whole ? fields.get(name) : missing]));
}

/** findAndModify answers with the document, so more is known than its filter says. */
function modifiedImages(command: Fields, { collection, fields }: Selector, reply: Fields): Image[] {
  const { update, remove, new: wantsNew, fields: projection } = command;
  const { value } = reply;
  const isUpserted = entriesOf(reply['lastErrorObject']).some(([name]) => name === 'upserted');
  const seen = entriesOf(value).length > 0 ? (value as Fields) : undefined;
  if (seen === undefined && !isUpserted) return [];
  const ofValue: Image | undefined =
    seen === undefined ? undefined : { collection, fields: fieldsOf(seen), whole: projection === undefined };
  const id = new Map([...(ofValue?.fields ?? [])].filter(([name]) => name === '_id'));
  const byFilter: Image = { collection, fields: new Map([...fields, ...id]), whole: false };
  if (remove === true) return [ofValue ?? byFilter];
  if (wantsNew === true) return [byFilter, ofValue ?? { collection, fields: id, whole: false }];
  const before = ofValue ?? byFilter;
  return [before, { collection, fields: afterUpdate(before.fields, update), whole: false }];
}

/** The documents in an array of a command. */
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);

const isCount = (value: unknown): boolean => typeof value === 'number' && value > 0;
