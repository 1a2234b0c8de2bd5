import { commandName, type Fields } from '../gate/message.ts';
import { mayHoldArray, type ArrayFields } from './array-fields.ts';
import type { Image, Selector } from './footprint.ts';
import {
  NULL_TEXT,
  afterUpdate,
  demandedBy,
  entriesOf,
  fieldsOf,
  listOf,
  mayChange,
  type KnownFields,
} from './known-fields.ts';
import type { UniqueKeys } from './unique-keys.ts';

/** What a command does to the documents of one collection. */
export interface Access {
  /** What the command looks for. */
  readonly reads: readonly Selector[];
  /** The documents before and after the write; empty if the reply says that nothing changed. */
  writes(reply: Fields): readonly Image[];
  readonly isWrite: boolean;
}

/** What is known of the collections. */
export interface Schema {
  readonly unique: UniqueKeys;
  readonly arrays: ArrayFields;
}

type Rule = (command: Fields, collection: string, schema: Schema) => Access | undefined;

/**
 * What a command reads, and writes if it matches.
 *
 * @returns undefined for commands of unknown effect, such as `createIndexes`
 */
export function accessOf(command: Fields, schema: Schema): Access | undefined {
  const name = commandName(command);
  const collection = command[name === 'getMore' ? 'collection' : name];
  return typeof collection === 'string' ? RULES[name]?.(command, collection, schema) : undefined;
}

const reading = (reads: readonly Selector[]): Access => ({ reads, writes: () => [], isWrite: false });

const RULES: Readonly<Record<string, Rule>> = {
  find: (command, collection) => reading([select(collection, command['filter'], command)]),
  count: (command, collection) => reading([select(collection, command['query'], command)]),
  distinct: (command, collection) => reading([select(collection, command['query'], command)]),
  getMore: (_command, collection) => reading([{ collection, fields: new Map() }]),
  aggregate: (command, collection) => {
    const stages = listOf(command['pipeline']);
    if (stages.some(reachesElsewhere)) return undefined;
    return reading([select(collection, stages[0]?.['$match'], command)]);
  },
  insert: (command, collection, { unique }) => {
    const documents = listOf(command['documents']);
    const images = documents.map((document) => ({ collection, fields: fieldsOf(document), whole: true }));
    const reads = images.flatMap((image) => uniqueSelectors(image, unique, () => true));
    return { reads, isWrite: true, writes: (reply) => (isCount(reply['n']) ? images : []) };
  },
  delete: (command, collection, { arrays }) => {
    const reads = listOf(command['deletes']).map((statement) => select(collection, statement['q'], statement));
    const images = reads.map((selector) => imageOf(selector, arrays));
    return { reads, isWrite: true, writes: (reply) => (isCount(reply['n']) ? images : []) };
  },
  update: (command, collection, schema) => {
    const statements = listOf(command['updates']);
    const accesses = statements.map((statement) =>
      updateAccess(select(collection, statement['q'], statement), statement['u'], statement['upsert'] === true, schema),
    );
    const images = accesses.flatMap((access) => access.images);
    // An update of several documents that fails half-way has changed some of them, and its reply does not count these.
    const isMany = statements.some(({ multi }) => multi === true);
    return {
      reads: accesses.flatMap((access) => access.reads),
      isWrite: true,
      writes: (reply) => {
        const { nModified, upserted, writeErrors } = reply;
        return isCount(nModified) || upserted !== undefined || (isMany && writeErrors !== undefined) ? images : [];
      },
    };
  },
  findAndModify: (command, collection, schema) => {
    const selector = select(collection, command['query'], command);
    const { update } = command;
    const isUpsert = command['upsert'] === true;
    return {
      reads: update === undefined ? [selector] : updateAccess(selector, update, isUpsert, schema).reads,
      isWrite: true,
      writes: (reply) => modifiedImages(command, imageOf(selector, schema.arrays), reply),
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

/** A filter with a collation matches more than equal values, so nothing is known of what it finds. */
const select = (collection: string, filter: unknown, { collation }: Fields): Selector => ({
  collection,
  fields: collation === undefined ? demandedBy(filter) : new Map(),
});

interface UpdateAccess {
  readonly reads: readonly Selector[];
  readonly images: readonly Image[];
}

function updateAccess(selector: Selector, update: unknown, upsert: boolean, schema: Schema): UpdateAccess {
  const before = imageOf(selector, schema.arrays);
  const after: Image = { ...before, fields: afterUpdate(before.fields, update, false) };
  const inserted: Image = { ...before, fields: afterUpdate(before.fields, update, true) };
  const isTouched = (field: string) => upsert || mayChange(update, field);
  // An update never changes an `_id`; an upsert may insert a new one.
  const [id, ...others] = uniqueSelectors(upsert ? inserted : after, schema.unique, isTouched);
  const reads = [selector, ...(upsert && id !== undefined ? [id] : []), ...others];
  return { reads, images: [before, after, ...(upsert ? [inserted] : [])] };
}

/** What a filter tells of the documents that it finds. */
function imageOf({ collection, fields }: Selector, arrays: ArrayFields): Image {
  const known = [...fields].filter(([name]) => !mayHoldArray(arrays, collection, name));
  return { collection, fields: new Map(known), whole: false };
}

/** The documents that would violate uniqueness with this one: same `_id` (first), or same values in a unique index. */
function uniqueSelectors(image: Image, unique: UniqueKeys, isTouched: (field: string) => boolean): Selector[] {
  const { collection } = image;
  const keys = (unique.get(collection) ?? []).filter((fields) => fields.some(isTouched));
  return [['_id'], ...keys].map((fields) => ({ collection, fields: pick(image, fields) }));
}

function pick({ fields, whole }: Image, names: readonly string[]): KnownFields {
  const missing = new Set([NULL_TEXT]);
  return new Map(
    names.map((name) => [name, fields.has(name) || !whole || name.includes('.') ? fields.get(name) : missing]),
  );
}

/** The reply of findAndModify holds the document, so more is known than the filter tells. */
function modifiedImages(command: Fields, byFilter: Image, reply: Fields): Image[] {
  const { update, remove, new: wantsNew, fields: projection } = command;
  const { value } = reply;
  const { collection } = byFilter;
  const isUpserted = entriesOf(reply['lastErrorObject']).some(([name]) => name === 'upserted');
  const seen = entriesOf(value).length > 0 ? (value as Fields) : undefined;
  if (seen === undefined && !isUpserted) return [];
  const ofValue: Image | undefined =
    seen === undefined || isComputed(projection)
      ? undefined
      : { collection, fields: fieldsOf(seen), whole: projection === undefined };
  const id = new Map([...(ofValue?.fields ?? [])].filter(([name]) => name === '_id'));
  const found: Image = { collection, fields: new Map([...byFilter.fields, ...id]), whole: false };
  if (remove === true) return [ofValue ?? found];
  if (wantsNew === true) return [found, ofValue ?? { collection, fields: id, whole: false }];
  const before = ofValue ?? found;
  return [before, { collection, fields: afterUpdate(before.fields, update, isUpserted), whole: false }];
}

/** Does the projection compute values, rather than include or exclude fields? */
const isComputed = (projection: unknown): boolean =>
  entriesOf(projection).some(([, shown]) => typeof shown !== 'number' && typeof shown !== 'boolean');

const isCount = (value: unknown): boolean => typeof value === 'number' && value > 0;
