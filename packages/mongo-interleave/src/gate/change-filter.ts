import { OP_MSG_SECTIONS_START, sectionsEnd, withoutChecksum } from './message.ts';

const EMPTY = Buffer.from([5, 0, 0, 0, 0]);
const DOCUMENT = 3;
const ARRAY = 4;

/**
 * Changes the filter of an `update` command with one statement, or of a `findAndModify`. Works on the bytes, so that everything else
 * reaches the server as the client wrote it: types that JavaScript has no value for, and the order of fields with numbers as names.
 *
 * @param frame an OP_MSG
 * @param change gets the filter, a BSON document; an empty one if a `findAndModify` has none
 */
export function changeFilter(frame: Buffer, change: (filter: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [frame.subarray(0, OP_MSG_SECTIONS_START)];
  const end = sectionsEnd(frame);
  for (let at = OP_MSG_SECTIONS_START; at < end;) {
    const sectionEnd = at + 1 + frame.readInt32LE(at + 1);
    parts.push(changeSection(frame.subarray(at, sectionEnd), change));
    at = sectionEnd;
  }
  const changed = Buffer.concat(parts);
  changed.writeInt32LE(changed.length, 0);
  return withoutChecksum(changed);
}

function changeSection(section: Buffer, change: (filter: Buffer) => Buffer): Buffer {
  const rest = section.subarray(1);
  if (section[0] === 0) {
    const isUpdate = firstName(rest) === 'update';
    // Without its statements here, they come in a section of their own.
    if (isUpdate && find(rest, 'updates') === undefined) return section;
    const path = isUpdate ? ['updates', '0', 'q'] : ['query'];
    return Buffer.concat([section.subarray(0, 1), changeDocument(rest, path, change)]);
  }
  const nameEnd = rest.indexOf(0, 4);
  if (rest.toString('utf8', 4, nameEnd) !== 'updates') return section;
  const name = rest.subarray(4, nameEnd + 1);
  const statement = changeDocument(rest.subarray(nameEnd + 1), ['q'], change);
  return Buffer.concat([section.subarray(0, 1), int32(4 + name.length + statement.length), name, statement]);
}

/** Changes a document within a document. @param path the names of the fields that lead there; the last one may be missing */
function changeDocument(
  document: Buffer,
  [name, ...path]: readonly string[],
  change: (inner: Buffer) => Buffer,
): Buffer {
  if (name === undefined) return change(document);
  const element = find(document, name);
  const inner = element === undefined ? EMPTY : document.subarray(element.start, element.end);
  const changed = changeDocument(inner, path, change);
  if (element !== undefined)
    return documentOf(document.subarray(4, element.start), changed, document.subarray(element.end, -1));
  return documentOf(document.subarray(4, -1), elementOf(DOCUMENT, name, changed));
}

/** A BSON document of these elements. */
function documentOf(...elements: readonly Buffer[]): Buffer {
  const bytes = elements.reduce((sum, { length }) => sum + length, 5);
  return Buffer.concat([int32(bytes), ...elements, Buffer.alloc(1)]);
}

const elementOf = (type: number, name: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), value]);

/** A filter that finds what both filters find. */
export const bothOf = (one: Buffer, other: Buffer): Buffer =>
  documentOf(elementOf(ARRAY, '$and', documentOf(elementOf(DOCUMENT, '0', one), elementOf(DOCUMENT, '1', other))));

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

const firstName = (document: Buffer): string => document.toString('utf8', 5, document.indexOf(0, 5));

/** Where the value of a field begins and ends. */
function find(document: Buffer, wanted: string): { readonly start: number; readonly end: number } | undefined {
  for (let at = 4; at < document.length - 1;) {
    const nameEnd = document.indexOf(0, at + 1);
    const start = nameEnd + 1;
    const end = start + sizeOf(document, document[at] ?? 0, start);
    if (document.toString('utf8', at + 1, nameEnd) === wanted) return { start, end };
    at = end;
  }
  return undefined;
}

/** Types whose values have the same size each, in bytes (bsonspec.org). */
const FIXED_SIZES: Readonly<Record<number, number>> = {
  0x01: 8, // double
  0x06: 0, // undefined
  0x07: 12, // ObjectId
  0x08: 1, // boolean
  0x09: 8, // date
  0x0a: 0, // null
  0x10: 4, // int32
  0x11: 8, // timestamp
  0x12: 8, // int64
  0x13: 16, // decimal128
  0xff: 0, // min key
  0x7f: 0, // max key
};
const BINARY = 0x05;
const REGEX = 0x0b;
const DB_POINTER = 0x0c;
/** Documents, arrays and code with scope: their length counts itself. Strings, code and symbols have theirs before them. */
const WITH_OWN_LENGTH: ReadonlySet<number> = new Set([DOCUMENT, ARRAY, 0x0f]);

function sizeOf(document: Buffer, type: number, start: number): number {
  const fixed = FIXED_SIZES[type];
  if (fixed !== undefined) return fixed;
  if (type === REGEX) return document.indexOf(0, document.indexOf(0, start) + 1) + 1 - start;
  const length = document.readInt32LE(start);
  if (WITH_OWN_LENGTH.has(type)) return length;
  return 4 + length + (type === BINARY ? 1 : type === DB_POINTER ? 12 : 0);
}
