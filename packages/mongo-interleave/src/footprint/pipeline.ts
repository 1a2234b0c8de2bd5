import type { Fields } from '../gate/message.ts';
import type { Selector } from './footprint.ts';
import { demandedBy, entriesOf, listOf, withoutStrings } from './known-fields.ts';
import { inDatabaseOf, type Schema } from './namespace.ts';

/** What an aggregation reads. */
export interface PipelineReads {
  readonly reads: readonly Selector[];
  /** Its result depends on the order in which documents were inserted. */
  readonly isOrdered: boolean;
}

/** Stages that work on the documents of the stage before, and on nothing else. */
const LOCAL_STAGES: ReadonlySet<string> = new Set([
  '$addFields',
  '$bucket',
  '$bucketAuto',
  '$count',
  '$densify',
  '$fill',
  '$group',
  '$limit',
  '$match',
  '$project',
  '$redact',
  '$replaceRoot',
  '$replaceWith',
  '$set',
  '$setWindowFields',
  '$skip',
  '$sort',
  '$sortByCount',
  '$unset',
  '$unwind',
]);

/** @returns undefined if a stage writes, or reads something unknown */
export function pipelineReads(command: Fields, collection: string, schema: Schema): PipelineReads | undefined {
  const { pipeline, collation } = command;
  const namespaces = namespacesIn(command, collection, pipeline);
  if (namespaces === undefined || namespaces.some((namespace) => schema.of(namespace).kind === 'special'))
    return undefined;
  const [own = '', ...others] = namespaces;
  const stages = listOf(pipeline);
  const demanded = demandedBy(stages[0]?.['$match']);
  const folds = collation !== undefined || schema.of(own).folds;
  return {
    reads: [
      { namespace: own, fields: folds ? withoutStrings(demanded) : demanded },
      ...others.map((namespace) => ({ namespace, fields: new Map() })),
    ],
    isOrdered: !isOrderFree(stages, folds),
  };
}

/** The namespace of the command, and those that its stages look into; undefined if a stage is not known. */
export function namespacesIn(command: Fields, collection: string, pipeline: unknown): string[] | undefined {
  const found = listOf(pipeline).map((stage) => lookedInto(stage, command));
  if (found.includes(undefined)) return undefined;
  return [inDatabaseOf(command, collection), ...found.flatMap((namespaces) => namespaces ?? [])];
}

function lookedInto(stage: Fields, command: Fields): string[] | undefined {
  const [[name, value] = ['', undefined]] = entriesOf(stage);
  if (LOCAL_STAGES.has(name)) return [];
  if (name === '$facet') return joined(entriesOf(value).map(([, pipeline]) => within(pipeline, command)));
  const { from, coll, pipeline } = Object.fromEntries(entriesOf(value));
  if (name === '$unionWith') {
    const other: unknown = typeof value === 'string' ? value : coll;
    return typeof other === 'string' ? namespacesIn(command, other, pipeline) : undefined;
  }
  if ((name === '$lookup' || name === '$graphLookup') && typeof from === 'string')
    return namespacesIn(command, from, pipeline);
  return undefined;
}

/** The namespaces that the stages of a part look into. */
const within = (pipeline: unknown, command: Fields): string[] | undefined =>
  joined(listOf(pipeline).map((stage) => lookedInto(stage, command)));

const joined = (parts: readonly (string[] | undefined)[]): string[] | undefined =>
  parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);

/** Stages that keep the order of the documents. */
const KEEPING_ORDER: ReadonlySet<string> = new Set([
  '$addFields',
  '$limit',
  '$match',
  '$project',
  '$set',
  '$skip',
  '$unset',
]);

/** Is the result the same in whatever order the documents come: is it a count, or sorted by `_id`? */
function isOrderFree(stages: readonly Fields[], folds: boolean): boolean {
  const first = stages.findIndex((stage) => !('$match' in stage));
  const [reducing = {}, ...rest] = first === -1 ? [] : stages.slice(first);
  if (!rest.every((stage) => entriesOf(stage).every(([name]) => KEEPING_ORDER.has(name)))) return false;
  return '$count' in reducing || isCount(reducing['$group']) || (!folds && sortsById(reducing));
}

/** A `$group` of all documents together that only counts them. */
const isCount = (group: unknown): boolean =>
  entriesOf(group).some(([name, value]) => name === '_id' && isConstant(value)) && onlyCounts(group);

/** Of a group's key: neither the value of a field nor made from one. */
const isConstant = (key: unknown): boolean =>
  key === null ||
  typeof key === 'number' ||
  typeof key === 'boolean' ||
  (typeof key === 'string' && !key.startsWith('$'));

/** A `$group` that only counts documents. Sums of fields may depend on the order of the summands, as floating point numbers do. */
const onlyCounts = (group: unknown): boolean =>
  entriesOf(group).every(([name, value]) => {
    const [[operator, added] = [], ...others] = entriesOf(value);
    return name === '_id' || (others.length === 0 && operator === '$sum' && typeof added === 'number');
  });

const sortsById = ({ $sort }: Fields): boolean => entriesOf($sort).some(([field]) => field === '_id');
