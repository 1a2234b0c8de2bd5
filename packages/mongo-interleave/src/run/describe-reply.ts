import { entriesOf, listOf } from '../footprint/known-fields.ts';
import { errorCode } from '../footprint/transactions.ts';
import type { Fields } from '../gate/message.ts';
import { describeDuplicateKey } from './duplicate-key.ts';
import type { ShownValues } from './shown-values.ts';

/** Of several documents so many are shown. */
const MAX_DOCUMENTS = 3;

/** Stages that give `_id` a value that another field may have had. */
const NEW_IDS = new Set(['$group', '$bucket', '$bucketAuto', '$sortByCount', '$replaceRoot', '$replaceWith']);

/** A reply in short: a count, the shown fields of documents, or an error. As in `n=1`, `{ _id: "p", count: 1 }`, `2 documents`. */
export function describeReply(command: Fields, reply: Fields, values: ShownValues): string {
  const code = errorCode(reply);
  if (code !== undefined) return describeError(code, reply, values);
  const { cursor, n, nModified, upserted, numIndexesBefore, numIndexesAfter } = reply;
  if ('value' in reply) return modifiedDocument(command, reply, values);
  if (Array.isArray(reply['values'])) return distinctValues(command, reply['values'], values);
  for (const [batch, documents] of entriesOf(cursor))
    if (batch === 'firstBatch' || batch === 'nextBatch') return describeDocuments(command, listOf(documents), values);
  if (typeof numIndexesBefore === 'number' && numIndexesBefore === numIndexesAfter) return 'ok, no change';
  if (typeof n !== 'number') return 'ok';
  values.add(n);
  const inserted = listOf(upserted).map((one) => `, upserted ${values.shownOf(one) || '1 document'}`);
  const isUnchanged = inserted.length === 0 && n > 0 && nModified === 0;
  return [`n=${n}`, ...inserted, ...(isUnchanged ? [', no change'] : [])].join('');
}

function describeError(code: number, reply: Fields, values: ShownValues): string {
  const [failed = reply] = listOf(reply['writeErrors']);
  const duplicate = describeDuplicateKey({ ...failed, code, message: failed['errmsg'] }, values);
  const { codeName } = failed;
  const { n } = reply;
  // Statements before the one that failed, or beside it.
  const done = typeof n === 'number' && n > 0 ? `n=${n}, ` : '';
  return `${done}${duplicate ?? `error ${code}${typeof codeName === 'string' ? ` ${codeName}` : ''}`}`;
}

/** Says whether the document is the one before or after the update. */
function modifiedDocument(command: Fields, { value, lastErrorObject }: Fields, values: ShownValues): string {
  const upserted = entriesOf(lastErrorObject).find(([name]) => name === 'upserted');
  const inserted = upserted === undefined ? '' : `, upserted _id ${values.value(upserted[1], '_id')}`;
  if (value === null) return `null${inserted}`;
  const when = command['remove'] === true ? '' : command['new'] === true ? 'after ' : 'before ';
  return `${when}${values.shownOf(value) || '1 document'}${inserted}`;
}

function describeDocuments(command: Fields, documents: readonly Fields[], values: ShownValues): string {
  const [first] = documents;
  const hidesId = listOf(command['pipeline']).some(makesNewId);
  if (first === undefined) return '0 documents';
  if (countsDocuments(command)) {
    values.add(first['n']);
    return `n=${String(first['n'])}`;
  }
  const shown = documents.slice(0, MAX_DOCUMENTS).map((document) => values.shownOf(document, { hidesId }));
  if (documents.length === 1) return shown[0] || '1 document';
  const count = `${documents.length} documents`;
  if (!shown.some((text) => text.startsWith('{'))) return count;
  const more = documents.length > MAX_DOCUMENTS ? ' ...' : '';
  return `${count} ${shown.map((text) => text || '{}').join(' ')}${more}`;
}

/** The pipeline of `countDocuments`, as drivers send it. Its result is a count, as that of `count` is. */
function countsDocuments(command: Fields): boolean {
  const group = listOf(command['pipeline']).at(-1)?.['$group'];
  return JSON.stringify(group) === '{"_id":1,"n":{"$sum":1}}';
}

const makesNewId = (stage: Fields): boolean =>
  entriesOf(stage).some(
    ([name, operand]) =>
      NEW_IDS.has(name) ||
      entriesOf(operand).some(([field, value]) => field === '_id' && typeof value !== 'number' && value !== true),
  );

function distinctValues({ key }: Fields, found: readonly unknown[], values: ShownValues): string {
  const text = values.value(found, String(key));
  return text || `${found.length} value${found.length === 1 ? '' : 's'}`;
}
