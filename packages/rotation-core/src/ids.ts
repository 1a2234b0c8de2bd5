import { RotationError } from './errors.ts';

/**
 * The ids of a pool's keys and backups, all of one kind. `objectId` and `uuid` are MongoDB's: a UUID is a binary value of subtype 4.
 *
 * Inside this package, and in events and messages, an id is a text: that of an ObjectId has 24 hex digits, that of a UUID is written with dashes.
 */
export type IdKind = 'string' | 'objectId' | 'uuid';

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

const UUID_SUBTYPE = 4;

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
  if (kind === 'string' || typeof value !== 'string') {
    const text = idTextOf(kind, value);
    if (text !== undefined) return text;
  } else if (TEXTS[kind].test(value)) return value.toLowerCase();
  throw new RotationError('invalid-argument', `Expected ${name} to be ${EXPECTED[kind]}, got ${describe(value)}`);
}

/** An id of anything, such as a rotation or a proxy. @throws RotationError `invalid-argument` */
export function requireText(name: string, value: unknown): string {
  return requireKeyId(name, 'string', value);
}

const TEXTS = { objectId: /^[\da-f]{24}$/i, uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i } as const;

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

function describe(value: unknown): string {
  if (typeof value === 'string') return isPossible(value) ? 'another text' : `a text of ${value.length} characters`;
  const kind = idKindOfValue(value);
  if (kind !== undefined) return `an id of another kind: set idKind: '${kind}' in the pool`;
  return value === null ? 'null' : typeof value;
}
