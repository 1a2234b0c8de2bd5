import { BSON, type Document } from 'mongodb';

/** Parts of an OP_MSG beside its document. */
interface Parts {
  readonly flags?: number;
  /** Four bytes at the end, and their flag. */
  readonly checksum?: boolean;
  /** Sections of kind 1, put before the one of kind 0. */
  readonly before?: readonly Buffer[];
}

/** An OP_MSG, request 7, with one section of kind 0. */
export function opMsg(document: Document, { flags = 0, checksum = false, before = [] }: Parts = {}): Buffer {
  const flagBits = Buffer.alloc(4);
  flagBits.writeUInt32LE(flags | (checksum ? 1 : 0));
  const body = Buffer.concat([Buffer.from([0]), BSON.serialize(document)]);
  return withHeader(2013, Buffer.concat([flagBits, ...before, body, Buffer.alloc(checksum ? 4 : 0, 0xab)]));
}

/** A section of kind 1. */
export function sequence(name: string, documents: readonly Document[]): Buffer {
  const content = Buffer.concat([Buffer.from(`${name}\0`), ...documents.map((document) => BSON.serialize(document))]);
  const head = Buffer.alloc(5, 1);
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

/** The greeting of a driver that doesn't know yet if the server understands OP_MSG. */
export function opQuery(document: Document): Buffer {
  const parts = [Buffer.alloc(4), Buffer.from('admin.$cmd\0'), Buffer.alloc(8, 0xff), BSON.serialize(document)];
  return withHeader(2004, Buffer.concat(parts));
}

function withHeader(opCode: number, rest: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + rest.length, 0);
  header.writeInt32LE(7, 4);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, rest]);
}
