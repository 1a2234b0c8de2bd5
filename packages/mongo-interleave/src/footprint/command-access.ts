import { BSON } from 'mongodb';
import { commandName, exactOf, type Fields } from '../gate/message.ts';
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
  valueText,
  withoutStrings,
  type KnownFields,
} from './known-fields.ts';
import { namespaceOf, type Namespace, type Schema, type UniqueKey } from './namespace.ts';
import { pipelineReads } from './pipeline.ts';

/** What a command does to documents. */
export interface Access {
  /** What the command looks for. */
  readonly reads: readonly Selector[];
  /** Those of `reads` where the order in which documents were inserted decides which document is found, or in which order. */
  readonly orderedReads: readonly Selector[];
  /** The documents before and after the write; empty if the reply says that nothing changed. */
  writes(reply: Fields): readonly Image[];
  /** The inserted documents. */
  inserts(reply: Fields): readonly Image[];
  readonly isWrite: boolean;
}

/** What is known when a command is looked at. */
export interface Known {
  readonly schema: Schema;
  /** Arrays made by commands of this run. */
  readonly arrays: ArrayFields;
}

/** A command on one collection. */
interface Target extends Known {
  readonly command: Fields;
  readonly collection: string;
  readonly namespace: string;
  readonly found: Namespace;
}

/** Fields of all commands that don't decide which documents are touched. */
const COMMON: readonly string[] = [
  '$clusterTime',
  '$db',
  '$readPreference',
  'apiDeprecationErrors',
  'apiStrict',
  'apiVersion',
  'autocommit',
  'bypassDocumentValidation',
  'collation',
  'comment',
  'hint',
  'let',
  'lsid',
  'maxTimeMS',
  'ordered',
  'readConcern',
  'startTransaction',
  'stmtId',
  'stmtIds',
  'txnNumber',
  'writeConcern',
];

const UPDATE_FIELDS: ReadonlySet<string> = new Set([
  'arrayFilters',
  'c',
  'collation',
  'hint',
  'multi',
  'q',
  'sort',
  'u',
  'upsert',
]);
const DELETE_FIELDS: ReadonlySet<string> = new Set(['collation', 'hint', 'limit', 'q']);

const hasOnly = (known: ReadonlySet<string>, fields: Fields): boolean =>
  Object.keys(fields).every((name) => known.has(name));

interface Rule {
  /** The fields of the command that the rule knows. Of a command with any other field nothing is known. */
  readonly known: ReadonlySet<string>;
  readonly access: (target: Target) => Access | undefined;
}

const rule = (fields: readonly string[], access: Rule['access']): Rule => ({
  known: new Set([...COMMON, ...fields]),
  access,
});

/**
 * What a command reads, and writes if it matches.
 *
 * @returns undefined for commands of unknown effect, such as `collMod`
 */
export function accessOf(command: Fields, known: Known): Access | undefined {
  const name = commandName(command);
  const namespace = namespaceOf(command);
  const collection = command[name];
  const found = RULES[name];
  if (found === undefined || namespace === undefined || typeof collection !== 'string') return undefined;
  if (!hasOnly(found.known, command)) return undefined;
  // The first read of a snapshot session decides what the later ones see.
  if (isSnapshotRead(command)) return undefined;
  const target = { ...known, command, collection, namespace, found: known.schema.of(namespace) };
  return target.found.kind === 'special' ? undefined : found.access(target);
}

const isSnapshotRead = ({ autocommit, readConcern }: Fields): boolean =>
  autocommit !== false && entriesOf(readConcern).some(([name, value]) => name === 'level' && value === 'snapshot');

const reading = (reads: readonly Selector[], inOrder: boolean): Access => ({
  reads,
  orderedReads: inOrder ? reads : [],
  writes: () => [],
  inserts: () => [],
  isWrite: false,
});

/** A command that reads nothing but which collections and indexes there are. Those that change them commute with nothing. */
const SCHEMA_ONLY: Access = reading([], false);

const RULES: Readonly<Record<string, Rule>> = {
  find: rule(
    [
      'find',
      'filter',
      'sort',
      'projection',
      'skip',
      'limit',
      'batchSize',
      'singleBatch',
      'noCursorTimeout',
      'allowDiskUse',
    ],
    (target) => {
      const { filter, sort } = target.command;
      return reading([select(target, filter, target.command)], isOrdered(target, filter, sort));
    },
  ),
  count: rule(['count', 'query', 'limit', 'skip', 'fields'], (target) =>
    reading([select(target, target.command['query'], target.command)], false),
  ),
  distinct: rule(['distinct', 'key', 'query'], (target) =>
    reading([select(target, target.command['query'], target.command)], true),
  ),
  aggregate: rule(['aggregate', 'pipeline', 'cursor', 'allowDiskUse'], ({ command, collection, schema }) => {
    const found = pipelineReads(command, collection, schema);
    return found === undefined ? undefined : reading(found.reads, found.isOrdered);
  }),
  listCollections: rule(
    ['listCollections', 'filter', 'nameOnly', 'cursor', 'authorizedCollections'],
    () => SCHEMA_ONLY,
  ),
  listIndexes: rule(['listIndexes', 'cursor'], () => SCHEMA_ONLY),
  createIndexes: rule(['createIndexes', 'indexes', 'commitQuorum'], ({ command, found }) =>
    listOf(command['indexes']).every((index) => found.indexes.some((other) => isSameIndex(index, other)))
      ? SCHEMA_ONLY
      : undefined,
  ),
  insert: rule(['insert', 'documents'], (target) => {
    const { command, namespace, found } = target;
    // The first insert creates the collection.
    if (found.kind === 'missing') return undefined;
    const images = listOf(command['documents']).map((document) => ({
      namespace,
      fields: fieldsOf(document),
      whole: true,
    }));
    const reads = images.flatMap((image) => uniqueSelectors(image, found, () => true));
    const inserted = (reply: Fields): readonly Image[] =>
      isCount(reply['n']) || (images.length > 1 && mayHaveBegun(reply)) ? images : [];
    return { reads, orderedReads: [], isWrite: true, writes: inserted, inserts: inserted };
  }),
  delete: rule(['delete', 'deletes'], (target) => {
    const statements = listOf(target.command['deletes']);
    if (!statements.every((statement) => hasOnly(DELETE_FIELDS, statement))) return undefined;
    const isMany = statements.length > 1 || statements.some(({ limit }) => Number(limit) === 0);
    const reads = statements.map(({ q, ...more }) => select(target, q, more));
    const images = reads.map((selector) => imageOf(selector, target));
    const orderedReads = reads.filter((_, index) => {
      const { q, limit, collation } = statements[index] ?? {};
      return Number(limit) !== 0 && isOrdered(target, q, undefined, collation);
    });
    return {
      reads,
      orderedReads,
      isWrite: true,
      writes: (reply) => (isCount(reply['n']) || (isMany && mayHaveBegun(reply)) ? images : []),
      inserts: () => [],
    };
  }),
  update: rule(['update', 'updates'], updateRule),
  findAndModify: rule(
    ['findAndModify', 'query', 'sort', 'fields', 'update', 'remove', 'new', 'upsert', 'arrayFilters'],
    findAndModifyRule,
  ),
};

function updateRule(target: Target): Access | undefined {
  const { command, found } = target;
  const statements = listOf(command['updates']);
  if (!statements.every((statement) => hasOnly(UPDATE_FIELDS, statement))) return undefined;
  // An upsert may insert, and the first insert creates the collection.
  if (found.kind === 'missing' && statements.some(({ upsert }) => upsert === true)) return undefined;
  const increments = incrementsOf(command);
  const accesses = statements.map((statement, index) => updateAccess(target, statement, increments[index]));
  const images = accesses.flatMap((access) => access.images);
  const isMany = statements.length > 1 || statements.some(({ multi }) => multi === true);
  return {
    reads: accesses.flatMap(({ reads }) => reads),
    orderedReads: accesses.flatMap(({ orderedReads }) => orderedReads),
    isWrite: true,
    writes: (reply) => {
      const { nModified, upserted } = reply;
      return isCount(nModified) || upserted !== undefined || (isMany && mayHaveBegun(reply)) ? images : [];
    },
    inserts: ({ upserted }) => (upserted === undefined ? [] : accesses.flatMap(({ inserted }) => inserted)),
  };
}

function findAndModifyRule(target: Target): Access | undefined {
  const { command, found } = target;
  const { query, update, upsert, sort } = command;
  if (found.kind === 'missing' && upsert === true) return undefined;
  const selector = select(target, query, command);
  const reads = update === undefined ? [selector] : updateAccess(target, { ...command, q: query, u: update }).reads;
  const written = (reply: Fields): readonly Image[] => modifiedImages(command, imageOf(selector, target), reply);
  return {
    reads,
    orderedReads: isOrdered(target, query, sort) ? [selector] : [],
    isWrite: true,
    writes: written,
    inserts: (reply) => (isUpserted(reply) ? written(reply) : []),
  };
}

/** A collation takes other texts for equal, so nothing is known of the texts that the filter finds. */
function select({ namespace, found }: Target, filter: unknown, { collation }: Fields): Selector {
  const demanded = demandedBy(filter);
  return { namespace, fields: collation !== undefined || found.folds ? withoutStrings(demanded) : demanded };
}

/** Does the order in which documents were inserted decide which documents a filter and a sort find, or in which order? */
function isOrdered(
  { command, found }: Target,
  filter: unknown,
  sort: unknown,
  collation = command['collation'],
): boolean {
  if (collation !== undefined || found.folds) return true;
  const demanded = demandedBy(filter);
  const isOne = (fields: readonly string[]): boolean => fields.every((field) => demanded.get(field)?.size === 1);
  const sorted = new Set(entriesOf(sort).map(([field]) => field));
  const isSorted = (fields: readonly string[]): boolean => fields.every((field) => sorted.has(field));
  const keys = [['_id'], ...found.unique.filter(({ isTotal, folds }) => isTotal && !folds).map(({ fields }) => fields)];
  return !keys.some((fields) => isOne(fields) || isSorted(fields));
}

interface UpdateAccess {
  readonly reads: readonly Selector[];
  readonly orderedReads: readonly Selector[];
  readonly images: readonly Image[];
  /** The document that an upsert inserts. */
  readonly inserted: readonly Image[];
}

/**
 * @param statement as in the command `update`: `q`, `u`, `multi`, `upsert`, `collation`, `sort`, `hint`
 * @param increment see {@link incrementsOf}
 */
function updateAccess(target: Target, statement: Fields, increment?: string): UpdateAccess {
  const { q, u, multi, sort, collation } = statement;
  const upsert = statement['upsert'] === true;
  const selector = select(target, q, statement);
  const before = imageOf(selector, target);
  const after: Image = { ...before, fields: afterUpdate(before.fields, u, false) };
  const inserted: Image = { ...before, fields: afterUpdate(before.fields, u, true) };
  const isTouched = (field: string): boolean => upsert || mayChange(u, field);
  // An update never changes an `_id`; an upsert may insert a new one.
  const [id, ...others] = uniqueSelectors(upsert ? inserted : after, target.found, isTouched);
  // Of several documents that get the same unique value, the first gets it.
  const isFirstServed = multi === true ? others.length > 0 : isOrdered(target, q, sort, collation);
  const mayFail = others.length > 0 || target.found.hasValidator;
  const own = withIncrement(selector, before, after, statement, { increment, mayFail });
  return {
    reads: [own.selector, ...(upsert && id !== undefined ? [id] : []), ...others],
    orderedReads: isFirstServed ? [selector] : [],
    images: [...own.images, ...(upsert ? [inserted] : [])],
    inserted: upsert ? [inserted] : [],
  };
}

/**
 * What tells the increments of a command from others, by statement; undefined for a statement that is none. Increments add something, whatever
 * was there before: `$inc` by a number other than 0, or `$push` without modifiers. The types of numbers count.
 */
export function incrementsOf(command: Fields): readonly (string | undefined)[] {
  const isIncrement = listOf(command['updates']).map(({ u }) => adds(u));
  if (!isIncrement.includes(true)) return [];
  const exact = listOf(exactOf(command)['updates']);
  return isIncrement.map((is, index) =>
    is ? BSON.EJSON.stringify(exact[index]?.['u'], { relaxed: false }) : undefined,
  );
}

function adds(update: unknown): boolean {
  const changes = Array.isArray(update) ? [] : entriesOf(update);
  const added = changes.flatMap(([operator, fields]) =>
    entriesOf(fields).map(([path, value]) => ({ operator, path, value })),
  );
  return (
    added.length > 0 &&
    added.every(
      ({ operator, path, value }) =>
        !path.includes('$') &&
        ((operator === '$inc' && typeof value === 'number' && value !== 0) ||
          (operator === '$push' && entriesOf(value).length === 0)),
    )
  );
}

/**
 * Marks an update that is an increment. Two equal ones of one document, found by its `_id`, give the same data and replies in either order, as
 * long as none is refused or absorbed.
 */
function withIncrement(
  selector: Selector,
  before: Image,
  after: Image,
  { q, upsert, sort, hint, collation }: Fields,
  { increment, mayFail }: { readonly increment: string | undefined; readonly mayFail: boolean },
): { readonly selector: Selector; readonly images: readonly Image[] } {
  // By another filter, a hint or a collation an index may decide which document is found, and the update may change the index.
  const [[name, id] = ['', undefined], ...others] = entriesOf(q);
  const isById = name === '_id' && others.length === 0 && valueText(id) !== undefined;
  const isPlain = upsert !== true && sort === undefined && hint === undefined && collation === undefined;
  if (increment === undefined || mayFail || !isById || !isPlain) return { selector, images: [before, after] };
  return {
    selector: { ...selector, increment },
    images: [
      { ...before, increment },
      { ...after, increment },
    ],
  };
}

/** What a filter tells of the documents that it finds. */
function imageOf({ namespace, fields }: Selector, { arrays, schema }: Known): Image {
  const known = [...fields].filter(([name]) => !mayHoldArray(arrays, schema, namespace, name));
  return { namespace, fields: new Map(known), whole: false };
}

/** The documents that would violate uniqueness with this one: same `_id` (first), or same values in a unique index. */
function uniqueSelectors(
  image: Image,
  { unique, folds }: Namespace,
  isTouched: (field: string) => boolean,
): Selector[] {
  const { namespace } = image;
  const keys = unique.filter(({ decisive }) => decisive.some(isTouched));
  const id = pick(image, ['_id']);
  return [
    { namespace, fields: folds ? withoutStrings(id) : id },
    ...keys.map((key) => ({ namespace, fields: new Map([...key.within, ...equalsIn(image, key)]) })),
  ];
}

const equalsIn = (image: Image, { fields, folds }: UniqueKey): KnownFields =>
  folds ? withoutStrings(pick(image, fields)) : pick(image, fields);

function pick({ fields, whole }: Image, names: readonly string[]): KnownFields {
  const missing = new Set([NULL_TEXT]);
  return new Map(
    // A dotted name may stand for a path, or for a field with a dot in its name: nothing is known of either.
    names.map((name) => [
      name,
      name.includes('.') ? undefined : fields.has(name) || !whole ? fields.get(name) : missing,
    ]),
  );
}

/** Does `createIndexes` ask for an index that is there? Then it changes nothing. */
function isSameIndex(asked: Fields, found: Fields): boolean {
  const defaults = { background: undefined, sparse: false, unique: false, v: undefined };
  const text = (index: Fields): string =>
    JSON.stringify(
      Object.entries({ ...defaults, ...index, background: undefined, v: undefined, ns: undefined }).toSorted(
        ([one], [other]) => (one < other ? -1 : 1),
      ),
    );
  return text(asked) === text(found);
}

/** The reply of findAndModify holds the document, so more is known than the filter tells. */
function modifiedImages(command: Fields, byFilter: Image, reply: Fields): Image[] {
  const { update, remove, new: wantsNew, fields: projection } = command;
  const { value } = reply;
  const { namespace } = byFilter;
  const seen = typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  if (seen === undefined && !isUpserted(reply)) return [];
  const ofValue: Image | undefined =
    seen === undefined || isComputed(projection)
      ? undefined
      : { namespace, fields: fieldsOf(seen), whole: projection === undefined };
  const id = new Map([...(ofValue?.fields ?? [])].filter(([name]) => name === '_id'));
  const found: Image = { namespace, fields: new Map([...byFilter.fields, ...id]), whole: false };
  if (remove === true) return [ofValue ?? found];
  if (wantsNew === true) return [found, ofValue ?? { namespace, fields: id, whole: false }];
  const before = ofValue ?? found;
  return [before, { namespace, fields: afterUpdate(before.fields, update, isUpserted(reply)), whole: false }];
}

const isUpserted = (reply: Fields): boolean =>
  entriesOf(reply['lastErrorObject']).some(([name]) => name === 'upserted');

/** Does the projection compute values, rather than include or exclude fields? */
const isComputed = (projection: unknown): boolean =>
  entriesOf(projection).some(([, shown]) => typeof shown !== 'number' && typeof shown !== 'boolean');

/** A command on several documents that failed has changed some of them perhaps, and its reply does not count these. */
const mayHaveBegun = ({ ok, writeErrors }: Fields): boolean => ok !== 1 || writeErrors !== undefined;

const isCount = (value: unknown): boolean => typeof value === 'number' && value > 0;
