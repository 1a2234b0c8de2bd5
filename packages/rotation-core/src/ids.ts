import type { ObjectId, UUID } from 'mongodb';
import { RotationError } from './errors.ts';

/**
 * The ids of a pool's keys and backups, all of one kind. `objectId` and `uuid` are MongoDB's: a UUID is a binary value of subtype 4.
 *
 * Inside this package, and in events and messages, an id is a text: that of an ObjectId has 24 hex digits, that of a UUID is written with dashes.
 */
export type IdKind = 'string' | 'objectId' | 'uuid';

/** The types of ids of the kinds, in a service that uses the driver. */
export interface IdTypes {
  string: string;
  objectId: ObjectId;
  uuid: UUID;
}

/** An id as a document has it: a string, or an ObjectId or a UUID of any copy of the driver. */
export type KeyId = string | { toHexString(): string };

declare const STORED: unique symbol;

/** An id as the database has it. Only `OwnIds` makes one of a text. */
export interface StoredId {
  readonly [STORED]: true;
}

/** MongoDB takes longer ids, but no key has one. */
const MAX_ID_LENGTH = 1_024;

/** The types of ids as a filter's `$type` names them. */
export const BSON_TYPE_OF: Readonly<Record<IdKind, 'string' | 'objectId' | 'binData'>> = {
  string: 'string',
  objectId: 'objectId',
  uuid: 'binData',
};

const EXPECTED: Readonly<Record<IdKind, string>> = {
  string: 'a string',
  objectId: 'an ObjectId, or its 24 hex digits',
  uuid: 'a UUID, or its text',
};

/** What BSON's classes have in common in all copies of the driver. */
interface BsonValue {
  readonly _bsontype?: unknown;
  readonly sub_type?: unknown;
  toHexString?(): string;
  toUUID?(): { toHexString(): string };
}

/** Of a binary value that is a UUID, in BSON. */
export const UUID_SUBTYPE = 4;

/** @returns undefined if the value is no id of this kind, or none that a key can have. */
export function idTextOf(kind: IdKind, value: unknown): string | undefined {
  if (typeof value === 'string') return kind === 'string' && isPossible(value) ? value : undefined;
  return idKindOfValue(value) === kind ? hexOf(value as BsonValue) : undefined;
}

/**
 * An id from outside could be an object such as `{ $ne: null }`: in a filter it would be an operator and match any document.
 *
 * @returns the text of the id
 * @throws RotationError `invalid-argument`
 */
export function requireKeyId(name: string, kind: IdKind, value: unknown): string {
  const text = idTextOf(kind, value) ?? (kind === 'string' ? undefined : readTextOf(kind, value));
  if (text !== undefined) return text;
  throw new RotationError('invalid-argument', `Expected ${name} to be ${EXPECTED[kind]}, got ${describe(value)}`);
}

/** The id of a rotation, or the name of an incarnation. @throws RotationError `invalid-argument` */
export function requireText(name: string, value: unknown): string {
  return requireKeyId(name, 'string', value);
}

/** An id of any kind, as that of a proxy. @throws RotationError `invalid-argument` */
export function requireAnyId(name: string, value: unknown): { readonly kind: IdKind; readonly text: string } {
  const kind = idKindOfValue(value);
  const text = kind === undefined ? undefined : idTextOf(kind, value);
  if (kind !== undefined && text !== undefined) return { kind, text };
  throw new RotationError(
    'invalid-argument',
    `Expected ${name} to be a string, an ObjectId or a UUID, got ${describe(value)}`,
  );
}

const UUID_BYTES = 16;

/** The text of an id that is no string: from its own text, or from the bytes that a client with `promoteBuffers` reads. */
function readTextOf(kind: 'objectId' | 'uuid', value: unknown): string | undefined {
  const text =
    kind === 'uuid' && value instanceof Uint8Array && value.length === UUID_BYTES
      ? Buffer.from(value).toString('hex')
      : value;
  if (typeof text !== 'string' || !TEXTS[kind].test(text)) return undefined;
  return kind === 'uuid' ? withDashes(text.toLowerCase()) : text.toLowerCase();
}

const TEXTS = {
  objectId: /^[\da-f]{24}$/i,
  uuid: /^([\da-f]{32}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/i,
} as const;

const withDashes = (text: string): string =>
  text.replaceAll('-', '').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const isPossible = (text: string): boolean => text !== '' && text.length <= MAX_ID_LENGTH;

/** @returns undefined if the value is no id of a kind that a pool can have */
export function idKindOfValue(value: unknown): IdKind | undefined {
  if (typeof value === 'string') return 'string';
  const { _bsontype, sub_type } = fieldsOf(value);
  if (_bsontype === 'ObjectId') return 'objectId';
  return _bsontype === 'Binary' && sub_type === UUID_SUBTYPE ? 'uuid' : undefined;
}

const fieldsOf = (value: unknown): BsonValue => (typeof value === 'object' && value !== null ? value : {});

/** A Binary is a UUID without the methods of one. */
const hexOf = (value: BsonValue): string | undefined => (value.toUUID?.() ?? value).toHexString?.();

/** How JSON of MongoDB's own writes ids: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/. */
const EXTENDED_JSON: readonly string[] = ['$oid', '$uuid', '$binary'];

function describe(value: unknown): string {
  if (typeof value === 'string') return isPossible(value) ? 'another text' : `a text of ${value.length} characters`;
  const kind = idKindOfValue(value);
  if (kind !== undefined) return `an id of another kind: set idKind: '${kind}' in the pool`;
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const name = Object.keys(fieldsOf(value)).find((each) => EXTENDED_JSON.includes(each));
  return name === undefined ? typeof value : `Extended JSON (${name}): pass the text of the id`;
}
