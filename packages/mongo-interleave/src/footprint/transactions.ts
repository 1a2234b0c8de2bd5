import { BSON } from 'mongodb';
import type { HeldCommand } from '../gate/held-command.ts';
import { commandName, type Fields } from '../gate/message.ts';
import { arraysMadeBy } from './array-fields.ts';
import { accessOf, type Access, type Schema } from './command-access.ts';
import { listOf } from './known-fields.ts';
import { meetsAny, NOTHING, type Footprint, type Image, type Selector } from './footprint.ts';

const WRITE_CONFLICT = 112;

interface OpenTransaction {
  /** Undefined if the client crashed. */
  client: number | undefined;
  /** The `lsid` of its commands. */
  readonly session: unknown;
  readonly images: Image[];
}

/**
 * The open transactions of one run, and which commands have to wait for them. The server refuses a conflicting statement of another
 * transaction at once (WriteConflict), and lets a conflicting write outside transactions wait. Here both wait at the gate, so that no
 * command blocks in the server and no retry spins.
 */
export class Transactions {
  readonly #schema: Schema;
  readonly #arrays: Set<string>;
  readonly #open = new Map<string, OpenTransaction>();
  /** What the last conflicting statement of a client looked for, until the client starts its next transaction. */
  readonly #conflicts = new Map<number, readonly Selector[]>();
  readonly #retriesAtOnce: number;
  /** How often a client has restarted its transaction while the conflicting transaction was still open. */
  readonly #retries = new Map<number, number>();

  /** @param retriesAtOnce how often a client may restart its transaction while the conflicting transaction is still open */
  constructor({ unique, arrays }: Schema, retriesAtOnce = 0) {
    this.#retriesAtOnce = retriesAtOnce;
    this.#arrays = new Set(arrays);
    this.#schema = { unique, arrays: this.#arrays };
  }

  /** The sessions of all open transactions, for `killSessions`. */
  get openSessions(): readonly unknown[] {
    return [...this.#open.values()].map(({ session }) => session);
  }

  /** Can this command be sent now, without waiting in the server and without meeting the same conflict again? */
  isEnabled(command: HeldCommand): boolean {
    const { client, body } = command;
    const mayTry = body['startTransaction'] === true && (this.#retries.get(client) ?? 0) < this.#retriesAtOnce;
    return mayTry || this.blockersOf(command).length === 0;
  }

  /** The clients whose open transactions the command would wait for or conflict with; undefined stands for a crashed client. */
  blockersOf({ client, body }: HeldCommand): readonly (number | undefined)[] {
    if (body['startTransaction'] === true) return this.#stillConflicting(client);
    if (isInTransaction(body)) return [];
    const access = accessOf(body, this.#schema);
    const open = [...this.#open.values()];
    // A command of unknown effect may need an exclusive lock, such as collMod, and would wait for every open transaction.
    if (access === undefined) return readsOnly(body) ? [] : open.map((one) => one.client);
    return access.isWrite ? open.filter(({ images }) => meetsAny(images, access.reads)).map((one) => one.client) : [];
  }

  /** The clients whose transactions this client's last attempt conflicted with, and which are still open. */
  #stillConflicting(client: number): readonly (number | undefined)[] {
    const conflict = this.#conflicts.get(client);
    if (conflict === undefined) return [];
    const others = [...this.#open.values()].filter((open) => open.client !== client);
    return others.filter(({ images }) => meetsAny(images, conflict)).map((one) => one.client);
  }

  /** The footprint that a command will have if it succeeds: a write writes what it looks for. */
  predict({ client, name, body }: HeldCommand): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') {
      const images = [...this.#open.values()].flatMap((open) => (open.client === client ? open.images : []));
      return { ...NOTHING, writes: images, movesSnapshot: images.length > 0 };
    }
    const access = accessOf(body, this.#schema);
    if (access === undefined) return { ...NOTHING, everything: true };
    const writes = access.isWrite ? access.reads.map((selector) => ({ ...selector, whole: false })) : [];
    const takesSnapshot = body['startTransaction'] === true;
    return {
      ...NOTHING,
      reads: access.reads,
      writes,
      takesSnapshot,
      movesSnapshot: !isInTransaction(body) && access.isWrite,
    };
  }

  /** Records a command and its reply. Must be called once for each command, in the order released. @returns its footprint */
  record({ client, name, body }: HeldCommand, reply: Fields): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') return this.#end(sessionOf(body));
    for (const field of arraysMadeBy(body)) this.#arrays.add(field);
    const access = accessOf(body, this.#schema);
    if (isInTransaction(body)) return this.#recordStatement(client, body, reply, access);
    if (access === undefined) return { ...NOTHING, everything: true, movesSnapshot: true };
    const writes = access.writes(reply);
    return { ...NOTHING, reads: access.reads, writes, movesSnapshot: writes.length > 0 };
  }

  #recordStatement(client: number, body: Fields, reply: Fields, access: Access | undefined): Footprint {
    const session = sessionOf(body);
    const takesSnapshot = body['startTransaction'] === true;
    // A statement that only reads sees the snapshot, so what others do meanwhile does not change its reply.
    const reads = access?.isWrite === true ? [...access.reads] : [];
    if (takesSnapshot) {
      if (this.#stillConflicting(client).length > 0) this.#retries.set(client, (this.#retries.get(client) ?? 0) + 1);
      else this.#retries.delete(client);
      // After a conflict the transaction could not restart while others held those documents, so its order with their writes matters.
      reads.push(...(this.#conflicts.get(client) ?? []));
      this.#open.set(session, { client, session: body['lsid'], images: [] });
      this.#conflicts.delete(client);
    }
    const everything = access === undefined;
    const code = errorCode(reply);
    if (code !== undefined) {
      // Any error ends the transaction in the server and frees its documents.
      const ended = this.#end(session);
      if (code === WRITE_CONFLICT) this.#conflicts.set(client, reads);
      return { ...ended, reads, takesSnapshot, everything };
    }
    const writes = access?.writes(reply) ?? [];
    this.#open.get(session)?.images.push(...writes);
    return { ...NOTHING, reads, writes, takesSnapshot, everything };
  }

  /** The session of this client's open transaction, if it has one. */
  openSessionOf(client: number): unknown {
    return [...this.#open.values()].find((open) => open.client === client)?.session;
  }

  /** The client crashed, and its open transaction was ended. */
  crash(client: number): Footprint {
    this.#conflicts.delete(client);
    const session = this.openSessionOf(client);
    return session === undefined ? NOTHING : this.#end(BSON.EJSON.stringify(session));
  }

  /** A commit makes the writes visible, an abort frees the documents: both matter to every command that looks for them. */
  #end(session: string): Footprint {
    const images = this.#open.get(session)?.images ?? [];
    this.#open.delete(session);
    return { ...NOTHING, writes: images, movesSnapshot: images.length > 0 };
  }

  /** The client crashed, and its transaction stays open until the server ends it. */
  abandon(client: number): Footprint {
    this.#conflicts.delete(client);
    for (const open of this.#open.values()) if (open.client === client) open.client = undefined;
    return NOTHING;
  }

  /** The sessions of crashed clients with open transactions, which only the server will end. */
  get abandonedSessions(): readonly unknown[] {
    return [...this.#open.values()].filter(({ client }) => client === undefined).map(({ session }) => session);
  }

  /** The server has ended the transactions of crashed clients. */
  endAbandoned(): void {
    for (const [session, { client }] of this.#open) if (client === undefined) this.#open.delete(session);
  }
}

const READING = new Set(['listCollections', 'listIndexes', 'explain', 'dbStats', 'collStats', 'serverStatus']);

/** Does a command of unknown effect take no more locks than a read? */
function readsOnly(body: Fields): boolean {
  const name = commandName(body);
  if (name !== 'aggregate') return READING.has(name);
  return !listOf(body['pipeline']).some((stage) => '$out' in stage || '$merge' in stage);
}

const isInTransaction = (body: Fields): boolean => body['autocommit'] === false;

const sessionOf = (body: Fields): string => BSON.EJSON.stringify(body['lsid'] ?? null);

/** The error code of a failed command, or of its first failed write; undefined if the command succeeded. */
export function errorCode(reply: Fields): number | undefined {
  const { ok, code, writeErrors } = reply;
  if (ok !== 1) return typeof code === 'number' ? code : 0;
  const [first]: readonly unknown[] = Array.isArray(writeErrors) ? writeErrors : [];
  return first === undefined ? undefined : errorCode({ ...(first as Fields), ok: 0 });
}
