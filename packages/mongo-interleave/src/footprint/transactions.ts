import { BSON } from 'mongodb';
import type { HeldCommand } from '../gate/gate.ts';
import { commandName, type Fields } from '../gate/message.ts';
import { arraysMadeBy } from './array-fields.ts';
import { accessOf, type Access, type Schema } from './command-access.ts';
import { listOf } from './known-fields.ts';
import { meetsAny, nothing, type Footprint, type Image, type Selector } from './footprint.ts';

const WRITE_CONFLICT = 112;

interface OpenTransaction {
  /** Undefined when that client crashed. */
  client: number | undefined;
  /** The `lsid` of its commands. */
  readonly session: unknown;
  readonly images: Image[];
}

/**
 * Follows the commands of one run: what each touched, which transactions are open, and who has to wait for them.
 * The server gives a conflicting transaction an error at once (WriteConflict), and lets a conflicting write outside
 * transactions wait; here both wait at the gate, so that nothing ever blocks in the server and no retry spins.
 */
export class Transactions {
  readonly #schema: Schema;
  readonly #arrays: Set<string>;
  readonly #open = new Map<string, OpenTransaction>();
  /** What the last conflicting statement of a client looked for, until the client begins again. */
  readonly #conflicts = new Map<number, readonly Selector[]>();
  readonly #retriesAtOnce: number;
  /** How often a client has begun again though nothing had changed. */
  readonly #retries = new Map<number, number>();

  /** @param retriesAtOnce how often a client may begin again while the one that it conflicted with is still open */
  constructor({ unique, arrays }: Schema, retriesAtOnce = 0) {
    this.#retriesAtOnce = retriesAtOnce;
    this.#arrays = new Set(arrays);
    this.#schema = { unique, arrays: this.#arrays };
  }

  /** Sessions with a transaction that nobody has ended; for `killSessions`. */
  get openSessions(): readonly unknown[] {
    return [...this.#open.values()].map(({ session }) => session);
  }

  /** Can this command be sent now, without waiting in the server or failing once more for the same reason? */
  isOffered(command: HeldCommand): boolean {
    const { client, body } = command;
    const mayTry = body['startTransaction'] === true && (this.#retries.get(client) ?? 0) < this.#retriesAtOnce;
    return mayTry || this.blockersOf(command).length === 0;
  }

  /** The clients whose open transactions this command would wait for, or fail because of; undefined for one that crashed. */
  blockersOf({ client, body }: HeldCommand): readonly (number | undefined)[] {
    if (body['startTransaction'] === true) return this.#stillConflicting(client);
    if (isInTransaction(body)) return [];
    const access = accessOf(body, this.#schema);
    const open = [...this.#open.values()];
    // What is not known here may want a collection for itself, which an open transaction denies it.
    if (access === undefined) return readsOnly(body) ? [] : open.map((one) => one.client);
    return access.isWrite ? open.filter(({ images }) => meetsAny(images, access.reads)).map((one) => one.client) : [];
  }

  /** Those that this client's last attempt conflicted with, as far as they are still there. */
  #stillConflicting(client: number): readonly (number | undefined)[] {
    const conflict = this.#conflicts.get(client);
    if (conflict === undefined) return [];
    const others = [...this.#open.values()].filter((open) => open.client !== client);
    return others.filter(({ images }) => meetsAny(images, conflict)).map((one) => one.client);
  }

  /** What a command would touch if it went through: a write writes what it looks for. */
  predict({ client, name, body }: HeldCommand): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') {
      const images = [...this.#open.values()].flatMap((open) => (open.client === client ? open.images : []));
      return { ...nothing, writes: images, movesSnapshot: images.length > 0 };
    }
    const access = accessOf(body, this.#schema);
    if (access === undefined) return { ...nothing, everything: true };
    const writes = access.isWrite ? access.reads.map((selector) => ({ ...selector, whole: false })) : [];
    const takesSnapshot = body['startTransaction'] === true;
    return {
      ...nothing,
      reads: access.reads,
      writes,
      takesSnapshot,
      movesSnapshot: !isInTransaction(body) && access.isWrite,
    };
  }

  /** What a command touched, now that it was answered. Each command is told once, in the order released. */
  follow({ client, name, body }: HeldCommand, reply: Fields): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') return this.#end(sessionOf(body));
    for (const field of arraysMadeBy(body)) this.#arrays.add(field);
    const access = accessOf(body, this.#schema);
    if (isInTransaction(body)) return this.#followStatement(client, body, reply, access);
    if (access === undefined) return { ...nothing, everything: true, movesSnapshot: true };
    const writes = access.writes(reply);
    return { ...nothing, reads: access.reads, writes, movesSnapshot: writes.length > 0 };
  }

  #followStatement(client: number, body: Fields, reply: Fields, access: Access | undefined): Footprint {
    const session = sessionOf(body);
    const takesSnapshot = body['startTransaction'] === true;
    // A snapshot was taken: what others do from then on changes no reply of a statement that only reads.
    const reads = access?.isWrite === true ? [...access.reads] : [];
    if (takesSnapshot) {
      if (this.#stillConflicting(client).length > 0) this.#retries.set(client, (this.#retries.get(client) ?? 0) + 1);
      else this.#retries.delete(client);
      // After a conflict it could not have begun while another had those documents, so its order with their writes matters.
      reads.push(...(this.#conflicts.get(client) ?? []));
      this.#open.set(session, { client, session: body['lsid'], images: [] });
      this.#conflicts.delete(client);
    }
    const everything = access === undefined;
    const code = errorCode(reply);
    if (code !== undefined) {
      // Any error ends a transaction at the server; what it had locked is free again.
      const ended = this.#end(session);
      if (code === WRITE_CONFLICT) this.#conflicts.set(client, reads);
      return { ...ended, reads, takesSnapshot, everything };
    }
    const writes = access?.writes(reply) ?? [];
    this.#open.get(session)?.images.push(...writes);
    return { ...nothing, reads, writes, takesSnapshot, everything };
  }

  /** The session of this client's open transaction, if it has one. */
  openSessionOf(client: number): unknown {
    return [...this.#open.values()].find((open) => open.client === client)?.session;
  }

  /** The client is gone, and its open transaction was ended. */
  crash(client: number): Footprint {
    this.#conflicts.delete(client);
    const session = this.openSessionOf(client);
    return session === undefined ? nothing : this.#end(BSON.EJSON.stringify(session));
  }

  /** A commit shows its writes to all, an abort frees them: either meets whoever looks for the documents. */
  #end(session: string): Footprint {
    const images = this.#open.get(session)?.images ?? [];
    this.#open.delete(session);
    return { ...nothing, writes: images, movesSnapshot: images.length > 0 };
  }

  /** The client is gone, and its transaction stays open until the server ends it. */
  abandon(client: number): Footprint {
    this.#conflicts.delete(client);
    for (const open of this.#open.values()) if (open.client === client) open.client = undefined;
    return nothing;
  }

  /** Sessions whose transactions only the server can end. */
  get abandonedSessions(): readonly unknown[] {
    return [...this.#open.values()].filter(({ client }) => client === undefined).map(({ session }) => session);
  }

  /** The server has ended what was abandoned. */
  endAbandoned(): void {
    for (const [session, { client }] of this.#open) if (client === undefined) this.#open.delete(session);
  }
}

const reading = new Set(['listCollections', 'listIndexes', 'explain', 'dbStats', 'collStats', 'serverStatus']);

/** Of the commands whose effect is not known: those that take no more than a read does. */
function readsOnly(body: Fields): boolean {
  const name = commandName(body);
  if (name !== 'aggregate') return reading.has(name);
  return !listOf(body['pipeline']).some((stage) => '$out' in stage || '$merge' in stage);
}

const isInTransaction = (body: Fields): boolean => body['autocommit'] === false;

const sessionOf = (body: Fields): string => BSON.EJSON.stringify(body['lsid'] ?? null);

/** The error's code of a failed command, or of its first failed write; undefined when all went well. */
export function errorCode(reply: Fields): number | undefined {
  const { ok, code, writeErrors } = reply;
  if (ok !== 1) return typeof code === 'number' ? code : 0;
  const [first]: readonly unknown[] = Array.isArray(writeErrors) ? writeErrors : [];
  return first === undefined ? undefined : errorCode({ ...(first as Fields), ok: 0 });
}
