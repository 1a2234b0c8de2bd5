import { BSON } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';

/** A BSON document of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** A wire message, as far as the gate needs to understand it. */
export interface Message {
  readonly requestId: number;
  readonly responseTo: number;
  /** OP_MSG only: an unacknowledged request, or a reply that is followed by further replies. */
  readonly moreToCome: boolean;
  /** OP_MSG only: the client accepts several replies to this request. */
  readonly exhaustAllowed: boolean;
  /** The kind 0 section, with the document sequences (kind 1) added under their names. Its first field is the command. */
  readonly body: Fields;
}

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_COMPRESSED = 2012;
const OP_MSG = 2013;

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 1 << 1;
const EXHAUST_ALLOWED = 1 << 16;
const CHECKSUM_BYTES = 4;
/** Header and flags come first. */
export const OP_MSG_SECTIONS_START = 20;

/**
 * Reads a message: OP_MSG, or OP_QUERY and OP_REPLY of a driver's first handshake.
 *
 * @throws InterleaveError `unsupported-protocol` for OP_COMPRESSED and all other operations
 */
export function readMessage(frame: Buffer): Message {
  const requestId = frame.readInt32LE(4);
  const responseTo = frame.readInt32LE(8);
  const opCode = frame.readInt32LE(12);
  const plain = { requestId, responseTo, moreToCome: false, exhaustAllowed: false };
  if (opCode === OP_QUERY) return { ...plain, body: BSON.deserialize(frame.subarray(queryStart(frame))) };
  if (opCode === OP_REPLY) return { ...plain, body: BSON.deserialize(frame.subarray(36)) };
  if (opCode === OP_COMPRESSED) {
    throw new InterleaveError(
      'unsupported-protocol',
      'It sent a compressed message (OP_COMPRESSED) although the gate removes compression from the handshake. Connect without compressors.',
    );
  }
  if (opCode !== OP_MSG)
    throw new InterleaveError('unsupported-protocol', `The gate does not know wire operation ${opCode}.`);
  const flags = frame.readUInt32LE(16);
  const body = readSections(frame.subarray(OP_MSG_SECTIONS_START, sectionsEnd(frame)));
  frames.set(body, frame);
  return {
    ...plain,
    moreToCome: (flags & MORE_TO_COME) !== 0,
    exhaustAllowed: (flags & EXHAUST_ALLOWED) !== 0,
    body,
  };
}

/** The messages that held these bodies. */
const frames = new WeakMap<Fields, Buffer>();

/** The same as {@link readExactCommand}, of a body that was read from a message; of any other body the body itself. */
export function exactOf(body: Fields): Fields {
  const frame = frames.get(body);
  return frame === undefined ? body : readExactCommand(frame);
}

/**
 * The command of an OP_MSG with BSON's classes for values whose type or precision JavaScript's own values lose: numbers, regular
 * expressions. To be sent again.
 */
export const readExactCommand = (frame: Buffer): Fields =>
  readSections(frame.subarray(OP_MSG_SECTIONS_START, sectionsEnd(frame)), { promoteValues: false, bsonRegExp: true });

/** Where the sections of an OP_MSG end. */
export const sectionsEnd = (frame: Buffer): number =>
  frame.length - ((frame.readUInt32LE(16) & CHECKSUM_PRESENT) === 0 ? 0 : CHECKSUM_BYTES);

/** Clears the flag of the checksum, which a change of the message has made wrong. */
export function withoutChecksum(message: Buffer): Buffer {
  message.writeUInt32LE((message.readUInt32LE(16) & ~CHECKSUM_PRESENT) >>> 0, 16);
  return message;
}

function readSections(sections: Buffer, options: BSON.DeserializeOptions = {}): Fields {
  let body: Fields = {};
  let sequences: Fields = {};
  for (let at = 0; at < sections.length;) {
    const kind = sections[at];
    const start = at + 1;
    const end = start + sections.readInt32LE(start);
    if (kind === 0) body = BSON.deserialize(sections.subarray(start, end), options);
    else if (kind === 1) sequences = { ...sequences, ...readSequence(sections.subarray(start, end), options) };
    else throw new InterleaveError('unsupported-protocol', `The gate does not know section kind ${kind} of OP_MSG.`);
    at = end;
  }
  return { ...body, ...sequences };
}

/** A kind 1 section: length, a name, documents one after the other. */
function readSequence(section: Buffer, options: BSON.DeserializeOptions): Fields {
  const nameEnd = section.indexOf(0, 4);
  const documents: Fields[] = [];
  for (let at = nameEnd + 1; at < section.length;) {
    const end = at + section.readInt32LE(at);
    documents.push(BSON.deserialize(section.subarray(at, end), options));
    at = end;
  }
  return { [section.toString('utf8', 4, nameEnd)]: documents };
}

/** OP_QUERY: header, flags, the collection as a C string, skip, limit, document. */
const queryStart = (frame: Buffer): number => frame.indexOf(0, 20) + 1 + 8;

/** Where the document of an OP_MSG, OP_QUERY or OP_REPLY begins; undefined if an OP_MSG begins with another section. */
function documentStart(frame: Buffer): number | undefined {
  const opCode = frame.readInt32LE(12);
  if (opCode === OP_QUERY) return queryStart(frame);
  if (opCode === OP_REPLY) return 36;
  return frame[20] === 0 ? 21 : undefined;
}

/** The message with another document in place of its own, which must be the last section. */
function withDocument(frame: Buffer, start: number, document: Fields): Buffer {
  const changed = Buffer.concat([Buffer.from(frame.subarray(0, start)), BSON.serialize(document)]);
  changed.writeInt32LE(changed.length, 0);
  return frame.readInt32LE(12) === OP_MSG ? withoutChecksum(changed) : changed;
}

/** Numbers stay in their BSON classes, so that they are written back with the same types. */
const readDocument = (frame: Buffer, start: number): Fields =>
  BSON.deserialize(frame.subarray(start, start + frame.readInt32LE(start)), { promoteValues: false });

/**
 * Empties the `compression` list of a handshake (OP_MSG or OP_QUERY), so that client and server agree on no compression. A handshake
 * without compression is returned unchanged.
 */
export function withoutCompression(frame: Buffer): Buffer {
  const start = documentStart(frame);
  if (start === undefined) return frame;
  const document = readDocument(frame, start);
  const asked: unknown = document['compression'];
  if (!Array.isArray(asked) || asked.length === 0) return frame;
  return withDocument(frame, start, { ...document, compression: [] });
}

/** The members of a replica set, as far as a client is to know them. Addresses, as in `127.0.0.1:27017`. */
export interface SetView {
  readonly me: string;
  readonly hosts: readonly string[];
  readonly primary: string;
}

/**
 * A heartbeat that waits until the member has news (`topologyVersion`), so that it is answered at once: as of a client that knows nothing new.
 */
export function asOutdated(frame: Buffer): Buffer {
  const start = documentStart(frame);
  if (start === undefined) return frame;
  const document = readDocument(frame, start);
  const { topologyVersion } = document;
  if (typeof topologyVersion !== 'object' || topologyVersion === null) return frame;
  return withDocument(frame, start, { ...document, topologyVersion: { ...topologyVersion, counter: BSON.Long.ZERO } });
}

/** Is this the greeting of a member of a replica set? */
export const isGreetingOfMember = (frame: Buffer): boolean => greetingOf(frame) !== undefined;

/** Does a member say in its greeting that it is the primary and takes writes? */
export function isOfPrimary(frame: Buffer): boolean {
  const { document } = greetingOf(frame) ?? {};
  return (document?.['isWritablePrimary'] ?? document?.['ismaster']) === true;
}

/**
 * Makes a member of a replica set tell only these members in its greeting. A client that looks for the other members (without
 * `directConnection`) would connect to them, past the gate. Other replies are returned unchanged.
 */
export function withMembers(frame: Buffer, { me, hosts, primary }: SetView): Buffer {
  const found = greetingOf(frame);
  if (found === undefined) return frame;
  const { passives, arbiters, ...greeting } = found.document;
  return withDocument(frame, found.start, { ...greeting, hosts, primary, me });
}

function greetingOf(frame: Buffer): { readonly start: number; readonly document: Fields } | undefined {
  if (!frame.includes('setName')) return undefined;
  const start = documentStart(frame);
  if (start === undefined) return undefined;
  const document = readDocument(frame, start);
  return 'setName' in document && 'hosts' in document && 'me' in document ? { start, document } : undefined;
}

/** Makes a member of a replica set tell other addresses for itself and for the other members. Other replies are returned unchanged. */
export function asMember(frame: Buffer, addressOf: (address: string) => string | undefined): Buffer {
  const found = greetingOf(frame);
  if (found === undefined) return frame;
  const { start, document } = found;
  const rename = (value: unknown): unknown => (typeof value === 'string' ? (addressOf(value) ?? value) : value);
  const renamed = Object.entries(document).map(([name, value]): [string, unknown] => {
    if (name === 'hosts' || name === 'passives' || name === 'arbiters') return [name, (value as unknown[]).map(rename)];
    return [name, name === 'me' || name === 'primary' ? rename(value) : value];
  });
  return withDocument(frame, start, Object.fromEntries(renamed));
}

/** The command's name, which is its first field. Empty for an empty document. */
export const commandName = (body: Fields): string => Object.keys(body)[0] ?? '';

/** The collection of a command, also of `getMore`. Empty for a command without a collection, such as `commitTransaction`. */
export function collectionOf(body: Fields): string {
  const name = commandName(body);
  const collection = body[name === 'getMore' ? 'collection' : name];
  return typeof collection === 'string' ? collection : '';
}

/** A command as text, such as `find coupons`. */
export const commandText = (body: Fields): string => `${commandName(body)} ${collectionOf(body)}`.trimEnd();
