import { BSON } from 'mongodb';
import type { ClientCommand } from '../gate/held-command.ts';
import { commandName, type Fields } from '../gate/message.ts';
import { arraysMadeBy } from './array-fields.ts';
import { accessOf, type Access, type Known } from './command-access.ts';
import { entriesOf, listOf } from './known-fields.ts';
import { collectionNameOf, namespaceOf, targetOf } from './namespace.ts';
import { namespacesIn } from './pipeline.ts';
import type { RunSchema } from './schema-reader.ts';
import { meetsAny, NOTHING, withoutIncrement, type Footprint, type Image, type Selector } from './footprint.ts';

const WRITE_CONFLICT = 112;

/** What a cursor reads each time. */
type CursorReads = Pick<Footprint, 'reads' | 'orderedReads' | 'readsLog'>;

interface OpenTransaction {
  /** Undefined if the client crashed. */
  client: number | undefined;
  /** The `lsid` of its commands. */
  readonly session: unknown;
  readonly images: Image[];
  /** The collections of its statements, which it holds locks on. */
  readonly touched: Set<string>;
  /** It has written what no rule tells. */
  isUnknown: boolean;
  readonly start: Start;
  /** What was written outside this transaction since its snapshot; undefined after a write of unknown effect. */
  missed: Image[] | undefined;
  /** How many transactions of this client ended in a write conflict right before this one. */
  readonly conflictsBefore: number;
}

/** The first command of a transaction. */
interface Start {
  readonly name: string;
  /** Undefined if it is not known what the command looks for. */
  readonly reads: readonly Selector[] | undefined;
}

/** A transaction of a client that ended in a write conflict. */
interface Conflict {
  /** What the conflicting statement looked for; undefined if that does not explain the conflict. */
  readonly reads: readonly Selector[] | undefined;
  readonly start: Start;
  /** Conflicts of this client in a row, this one included. */
  readonly inARow: number;
}

/**
 * The open transactions of one run, and which commands have to wait for them. The server refuses a conflicting statement of another
 * transaction at once (WriteConflict), and lets a conflicting write outside transactions wait. Here both wait at the gate, so that no
 * command blocks in the server and no retry spins.
 */
export class Transactions {
  readonly #schema: RunSchema;
  readonly #arrays = new Set<string>();
  readonly #known: Known;
  /** What the commands of this run do, as far as it was asked, while nothing changes what is known of their collections. */
  readonly #accesses = new Map<Fields, Access | undefined>();
  readonly #loaded = new Set<Fields>();
  /** What the commands that opened cursors read, by cursor id. */
  readonly #cursors = new Map<string, CursorReads>();
  readonly #open = new Map<string, OpenTransaction>();
  /** The last conflict of a client, until the client starts its next transaction. */
  readonly #conflicts = new Map<number, Conflict>();
  readonly #retriesAtOnce: number;
  /** How often a client has restarted its transaction while the conflicting transaction was still open. */
  readonly #retries = new Map<number, number>();

  /** @param retriesAtOnce how often a client may restart its transaction while the conflicting transaction is still open */
  constructor(schema: RunSchema, retriesAtOnce = 0) {
    this.#retriesAtOnce = retriesAtOnce;
    this.#schema = schema;
    this.#known = { schema, arrays: this.#arrays };
  }

  /** Reads what must be known of the collections that these commands touch. Must be called before the other methods get them. */
  async load(commands: readonly ClientCommand[]): Promise<void> {
    const fresh = commands.map(({ body }) => body).filter((body) => !this.#loaded.has(body));
    if (fresh.length === 0) return;
    await this.#schema.load(fresh.flatMap(namespacesOf));
    for (const body of fresh) this.#loaded.add(body);
  }

  #accessOf(body: Fields): Access | undefined {
    if (!this.#accesses.has(body)) this.#accesses.set(body, accessOf(body, this.#known));
    return this.#accesses.get(body);
  }

  /** @param fields that may hold an array, as `database.collection.field` */
  addArrays(fields: readonly string[]): void {
    if (fields.every((field) => this.#arrays.has(field))) return;
    for (const field of fields) this.#arrays.add(field);
    this.#accesses.clear();
  }

  #changeSchema(): void {
    this.#schema.change();
    this.#accesses.clear();
    this.#loaded.clear();
  }

  /** The sessions of all open transactions, for `killSessions`. */
  get openSessions(): readonly unknown[] {
    return [...this.#open.values()].map(({ session }) => session);
  }

  /** Can this command be sent now, without waiting in the server and without meeting the same conflict again? */
  isEnabled(command: ClientCommand): boolean {
    const { client, body } = command;
    const mayTry = body['startTransaction'] === true && (this.#retries.get(client) ?? 0) < this.#retriesAtOnce;
    return mayTry || this.blockersOf(command).length === 0;
  }

  /** Is this the next attempt of a transaction after a write conflict, which waits for the other transaction? */
  waitsToRestart({ client, body }: ClientCommand): boolean {
    return body['startTransaction'] === true && this.#stillConflicting(client, body).length > 0;
  }

  /** For a write outside transactions: the clients whose open transactions have written to its collection. */
  writersBeside({ body }: ClientCommand): readonly (number | undefined)[] {
    if (this.#open.size === 0 || isInTransaction(body)) return [];
    const access = this.#accessOf(body);
    const isWrite = access === undefined ? WRITING.has(commandName(body).toLowerCase()) : access.isWrite;
    if (!isWrite) return [];
    const written = new Set(access?.reads.map(({ namespace }) => namespace) ?? namespacesOf(body));
    const writers = [...this.#open.values()].filter(({ images, isUnknown, touched }) =>
      access === undefined || isUnknown
        ? [...touched].some((namespace) => written.has(namespace))
        : images.some((image) => written.has(image.namespace)),
    );
    return writers.map(({ client }) => client);
  }

  /** The clients whose open transactions the command would wait for or conflict with; undefined stands for a crashed client. */
  blockersOf({ client, body }: ClientCommand): readonly (number | undefined)[] {
    if (this.#open.size === 0) return [];
    if (body['startTransaction'] === true) return this.#stillConflicting(client, body);
    if (isInTransaction(body)) return [];
    const access = this.#accessOf(body);
    if (access === undefined ? readsOnly(body) : !access.isWrite) return [];
    const open = [...this.#open.values()];
    const blockers =
      access === undefined
        ? open.filter(({ touched }) => needsLockOn(body, touched))
        : open.filter((one) => holds(one, access.reads));
    return blockers.map(({ client: blocker }) => blocker);
  }

  /**
   * The clients whose transactions this client's last attempt conflicted with, and which are still open. A transaction that starts with
   * another command is not the next attempt, so it need not wait. If it conflicts as well, the next one waits whatever it starts with:
   * an attempt may hold a value drawn anew.
   */
  #stillConflicting(client: number, body: Fields): readonly (number | undefined)[] {
    const conflict = this.#conflicts.get(client);
    if (conflict === undefined || (conflict.inARow === 1 && !this.#startsAlike(conflict.start, body))) return [];
    const { reads } = conflict;
    const others = [...this.#open.values()].filter((open) => open.client !== client);
    return others.filter((one) => reads === undefined || holds(one, reads)).map((one) => one.client);
  }

  #startOf(body: Fields): Start {
    return { name: commandName(body), reads: this.#accessOf(body)?.reads };
  }

  /** Is this the first command of another attempt? An attempt may ask for fewer documents, such as one after the other, but not for others. */
  #startsAlike(before: Start, body: Fields): boolean {
    const { name, reads } = this.#startOf(body);
    if (name !== before.name) return false;
    if (reads === undefined || before.reads === undefined) return true;
    const found = before.reads.map((selector) => ({ ...selector, whole: false }));
    return meetsAny(found.map(withoutIncrement), reads);
  }

  /** The footprint that a command will have if it succeeds: a write writes what it looks for. */
  predict({ client, name, body }: ClientCommand): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') {
      const own = [...this.#open.values()].filter((open) => open.client === client);
      return endOf(
        own.flatMap(({ images }) => images),
        own.some(({ isUnknown }) => isUnknown),
      );
    }
    const cursor = name === 'getMore' ? this.#cursors.get(BSON.EJSON.stringify(body['getMore'])) : undefined;
    if (cursor !== undefined) return { ...NOTHING, ...cursor };
    const access = this.#accessOf(body);
    if (access === undefined) return { ...NOTHING, everything: true, mayWrite: !readsOnly(body) };
    const writes = access.isWrite ? access.reads.map((selector) => ({ ...selector, whole: false })) : [];
    const takesSnapshot = body['startTransaction'] === true;
    return {
      ...NOTHING,
      reads: access.reads,
      writes,
      mayWrite: access.isWrite,
      takesSnapshot,
      movesSnapshot: !isInTransaction(body) && access.isWrite,
    };
  }

  /** Records a command and its reply. Must be called once for each command, in the order released. @returns its footprint */
  record({ client, name, body }: ClientCommand, reply: Fields): Footprint {
    if (name === 'commitTransaction' || name === 'abortTransaction') return this.#end(sessionOf(body));
    this.addArrays(arraysMadeBy(body));
    const access = makesIndexes(body, reply) ? undefined : this.#accessOf(body);
    if (access === undefined && !readsOnly(body)) this.#changeSchema();
    if (isInTransaction(body)) return this.#recordStatement(client, body, reply, access);
    const writes = access?.writes(reply) ?? [];
    this.#missed(access === undefined && !readsOnly(body) ? undefined : writes);
    const read = this.#cursorReads(body, reply, access);
    const isWrite = !readsOnly(body);
    if (read === undefined) return { ...NOTHING, everything: true, mayWrite: isWrite, movesSnapshot: isWrite };
    return {
      ...NOTHING,
      ...read,
      writes,
      mayWrite: access?.isWrite === true,
      inserts: access?.inserts(reply) ?? [],
      movesSnapshot: writes.length > 0,
    };
  }

  /**
   * What a command outside transactions reads: what its cursor reads if it goes on with one. A cursor reads the documents as they are then,
   * and a change stream reads the log.
   */
  #cursorReads(body: Fields, reply: Fields, access: Access | undefined): CursorReads | undefined {
    const known = access && { ...readsOf(access, reply), readsLog: false };
    const isLog = listOf(body['pipeline']).some((stage) => '$changeStream' in stage);
    const read = isLog ? { reads: [], orderedReads: [], readsLog: true } : known;
    if (commandName(body) === 'getMore') return this.#cursors.get(BSON.EJSON.stringify(body['getMore']));
    const id = entriesOf(reply['cursor']).find(([name]) => name === 'id')?.[1];
    if (id !== undefined && read !== undefined) this.#cursors.set(BSON.EJSON.stringify(id), read);
    return read;
  }

  /** The open transactions don't see this write. */
  #missed(writes: readonly Image[] | undefined): void {
    for (const open of this.#open.values())
      open.missed = writes === undefined || open.missed === undefined ? undefined : [...open.missed, ...writes];
  }

  #recordStatement(client: number, body: Fields, reply: Fields, access: Access | undefined): Footprint {
    const session = sessionOf(body);
    const takesSnapshot = body['startTransaction'] === true;
    // A statement that only reads sees the snapshot, so what others do meanwhile does not change its reply.
    const mayWrite = access === undefined ? !readsOnly(body) : access.isWrite;
    const reads = mayWrite ? (access?.reads.map(withoutIncrement) ?? []) : [];
    const orderedReads = access === undefined ? [] : readsOf(access, reply).orderedReads;
    let everything = access === undefined;
    if (takesSnapshot) {
      const conflict = this.#conflicts.get(client);
      if (this.#stillConflicting(client, body).length > 0)
        this.#retries.set(client, (this.#retries.get(client) ?? 0) + 1);
      else this.#retries.delete(client);
      // After a conflict the transaction could not restart while others held those documents, so its order with their writes matters.
      reads.push(...(conflict?.reads ?? []));
      everything ||= conflict !== undefined && conflict.reads === undefined;
      const conflictsBefore = conflict?.inARow ?? 0;
      const start = this.#startOf(body);
      this.#open.set(session, {
        client,
        session: body['lsid'],
        images: [],
        touched: new Set(),
        isUnknown: false,
        start,
        missed: [],
        conflictsBefore,
      });
      this.#conflicts.delete(client);
    }
    const transaction = this.#open.get(session);
    for (const namespace of namespacesOf(body)) transaction?.touched.add(namespace);
    const code = errorCode(reply);
    if (code !== undefined) {
      // Any error ends the transaction in the server and frees its documents.
      const open = this.#open.get(session);
      const ended = this.#end(session);
      if (code !== WRITE_CONFLICT || open === undefined)
        return { ...ended, reads, mayWrite, orderedReads, takesSnapshot, everything };
      // The server may refuse more than the command tells, such as for an index that only it knows of. Then nothing commutes with this
      // statement, and any open transaction may be the other one.
      const isForeseen = access !== undefined && this.#explains(open, reads);
      const { start, conflictsBefore } = open;
      this.#conflicts.set(client, { reads: isForeseen ? reads : undefined, start, inARow: conflictsBefore + 1 });
      return { ...ended, reads, mayWrite, orderedReads, takesSnapshot, everything: everything || !isForeseen };
    }
    const writes = access?.writes(reply).map(withoutIncrement) ?? [];
    const inserts = access?.inserts(reply) ?? [];
    transaction?.images.push(...writes);
    if (transaction !== undefined && access === undefined && mayWrite) transaction.isUnknown = true;
    return { ...NOTHING, reads, orderedReads, writes, mayWrite, inserts, takesSnapshot, everything };
  }

  /** Is there a write that a statement of this transaction, which looked for these documents, can't see or change? */
  #explains({ missed }: OpenTransaction, reads: readonly Selector[]): boolean {
    return missed === undefined || meetsAny(missed, reads) || [...this.#open.values()].some((one) => holds(one, reads));
  }

  /** Is this the abort of a transaction that is over? */
  isIdleAbort({ name, body }: ClientCommand): boolean {
    return name === 'abortTransaction' && !this.#open.has(sessionOf(body));
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
    const { images = [], isUnknown = false } = this.#open.get(session) ?? {};
    this.#open.delete(session);
    this.#missed(isUnknown ? undefined : images);
    return endOf(images, isUnknown);
  }

  /** The client crashed, and its transaction stays open until the server ends it. */
  abandon(client: number): Footprint {
    this.#conflicts.delete(client);
    for (const open of this.#open.values()) if (open.client === client) open.client = undefined;
    return NOTHING;
  }

  /** Another member has become the primary: all open transactions are gone. */
  failOver(): void {
    this.#open.clear();
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

/** The collections that a command touches. */
function namespacesOf(body: Fields): readonly string[] {
  const namespace = namespaceOf(body);
  if (namespace === undefined) return [];
  return namespacesIn(body, collectionNameOf(namespace), body['pipeline']) ?? [namespace];
}

/** An index that was there may have been dropped past the gate. */
const makesIndexes = (body: Fields, { numIndexesBefore, numIndexesAfter }: Fields): boolean =>
  commandName(body) === 'createIndexes' && numIndexesBefore !== numIndexesAfter;

/** The end of a transaction makes its writes visible, or frees the documents. */
const endOf = (writes: readonly Image[], isUnknown: boolean): Footprint => ({
  ...NOTHING,
  writes,
  movesSnapshot: isUnknown || writes.length > 0,
  mayWrite: isUnknown,
  everything: isUnknown,
});

/** May the transaction have written a document that these look for? */
const holds = ({ images, isUnknown, touched }: OpenTransaction, selectors: readonly Selector[]): boolean =>
  meetsAny(images, selectors) || (isUnknown && selectors.some(({ namespace }) => touched.has(namespace)));

/** Commands that write documents, and of which the server can be asked whether they would wait. */
const WRITING = new Set(['insert', 'update', 'delete', 'findandmodify']);

/**
 * Does a command that changes collections, such as `collMod`, need a lock that an open transaction holds? A transaction keeps the locks of its
 * collections to its end. A command on no collection, such as `dropDatabase`, is taken to need them all.
 */
function needsLockOn(body: Fields, touched: ReadonlySet<string>): boolean {
  const targets = listOf(body['pipeline']).flatMap((stage) => targetOf(stage, body) ?? []);
  const named = targets.length > 0 ? targets : namespacesOf(body);
  const renamed = typeof body['to'] === 'string' ? [String(body[commandName(body)]), body['to']] : [];
  const all = [...named, ...renamed];
  return all.length === 0 ? touched.size > 0 : all.some((namespace) => touched.has(namespace));
}

const READING = new Set([
  'find',
  'count',
  'distinct',
  'getMore',
  'killCursors',
  'listCollections',
  'listDatabases',
  'listIndexes',
  'explain',
  'dbStats',
  'collStats',
  'dbHash',
  'serverStatus',
]);

/** Does a command of unknown effect take no more locks than a read, and change nothing? */
function readsOnly(body: Fields): boolean {
  const name = commandName(body);
  if (name !== 'aggregate') return READING.has(name);
  return !listOf(body['pipeline']).some((stage) => '$out' in stage || '$merge' in stage);
}

/** A document was found, and adding to it left it as it was: a number that is so large that it is rounded. */
const isAbsorbed = ({ n, nModified }: Fields): boolean =>
  typeof n === 'number' && typeof nModified === 'number' && nModified < n;

/** What a command read. A write that failed may have got as far as the order of the documents let it, and its increment did not count. */
function readsOf(
  { reads, orderedReads, isWrite }: Access,
  reply: Fields,
): Pick<Footprint, 'reads' | 'orderedReads' | 'refusesIncrement'> {
  const hasFailed = isWrite && errorCode(reply) !== undefined;
  const refusesIncrement = (hasFailed || isAbsorbed(reply)) && reads.some(({ increment }) => increment !== undefined);
  if (!hasFailed) return { reads, orderedReads, refusesIncrement };
  const plain = reads.map(withoutIncrement);
  return { reads: plain, orderedReads: plain, refusesIncrement };
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
