import { BSON, MongoServerError, type MongoClient } from 'mongodb';
import { listOf } from '../footprint/known-fields.ts';
import { bothOf, changeFilter } from '../gate/change-filter.ts';
import type { Gate } from '../gate/gate.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { Reply } from '../gate/relay.ts';

const DUPLICATE_KEY = 11_000;

/** Finds no document, because each has an `_id`. `$alwaysFalse` would not do: the server drops the filter beside it, and its equalities. */
const NOTHING_FOUND = { _id: { $exists: false } };
const NOTHING_FOUND_BYTES = Buffer.from(BSON.serialize(NOTHING_FOUND));

/** A projection: the documents may be large. */
const ID = { _id: 1 };

/** What an upsert looks for. */
interface Look {
  readonly database: string;
  /** As a `find` command. */
  readonly find: Fields;
  readonly isMulti: boolean;
}

/**
 * The upserts of one run. The server runs an upsert in two steps: it looks for a document and, if it finds none, inserts one later. What
 * others insert in between, it does not see: a second document comes to be, or E11000. The gate releases these steps apart: it looks in
 * place of the server, and then sends the command with a filter that finds nothing.
 */
export class Upserts {
  readonly #control: MongoClient;
  /** Upserts at the gate that have looked and found none. */
  readonly #looked = new Set<HeldCommand>();

  constructor(control: MongoClient) {
    this.#control = control;
  }

  /** Is the insert the next step of this command? */
  isInsert(command: HeldCommand): boolean {
    return this.#looked.has(command);
  }

  /** Is this an upsert whose look finds none? */
  async findsNone(command: HeldCommand): Promise<boolean> {
    const look = lookOf(command.body) === undefined ? undefined : lookOf(command.exact());
    if (look === undefined || this.#looked.has(command)) return false;
    try {
      return (await this.#find(look.database, { ...look.find, projection: ID })).length === 0;
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      // A filter that is no filter, a hint without an index: the server is to say it to the client.
      return false;
    }
  }

  /** The look is done: the next step of this command is the insert. */
  looked(command: HeldCommand): void {
    this.#looked.add(command);
  }

  /** Releases a command, as an insert if it is an upsert that has looked. */
  async release(gate: Gate, command: HeldCommand): Promise<Reply> {
    if (!this.#looked.delete(command)) return gate.release(command);
    const findNothing = (filter: Buffer): Buffer => bothOf(filter, NOTHING_FOUND_BYTES);
    const reply = await gate.release(command, (frame) => changeFilter(frame, findNothing));
    return (await this.#looksAgain(command, reply)) ? reply.sendAgain() : reply;
  }

  /**
   * The insert that an upsert has done after its look, with the whole document: it no longer depends on what its filter finds.
   *
   * @returns undefined if the upsert has inserted nothing
   */
  async insertOf(command: Fields, reply: Fields): Promise<Fields | undefined> {
    const look = lookOf(command);
    const id = upsertedId(reply);
    if (look === undefined || id === undefined) return undefined;
    const collection = look.find['find'];
    const documents = await this.#find(look.database, { find: collection, filter: { _id: id } });
    return { insert: collection, documents, $db: look.database };
  }

  /**
   * After a duplicate key the server looks again if the filter is a conjunction of equalities for just the fields of the violated index,
   * and the new document has the values of the filter there (`shouldRetryDuplicateKeyException` in the server's write_ops_exec.cpp). A text
   * in an index with a collation is told by its sort key, which no text equals: the server does not look again. Newer servers do if the
   * filter has the collation of the index.
   */
  async #looksAgain(command: HeldCommand, reply: Reply): Promise<boolean> {
    const duplicate = duplicateOf(reply);
    const look = lookOf(command.exact());
    if (duplicate === undefined || look === undefined || look.isMulti) return false;
    const { keyPattern, keyValue } = duplicate;
    const equalities = equalitiesOf(await this.#parse(look));
    const fields = Object.keys(keyPattern ?? {});
    if (equalities?.size !== fields.length || !fields.every((field) => equalities.has(field))) return false;
    const pairs = fields.map((field) => [equalities.get(field), keyValue?.[field]]);
    return this.#areEqual(look, pairs);
  }

  /** The filter as the server understands it: it knows many ways to write an equality. */
  async #parse({ database, find }: Look): Promise<Fields> {
    const explained = await this.#control
      .db(database)
      .command({ explain: find, verbosity: 'queryPlanner' }, { promoteValues: false, bsonRegExp: true });
    return (explained['queryPlanner'] as { readonly parsedQuery: Fields }).parsedQuery;
  }

  /** Lets the server compare, for it compares numbers of all types. The collection is not empty: it holds the duplicate. */
  async #areEqual({ database, find }: Look, pairs: readonly (readonly unknown[])[]): Promise<boolean> {
    const same = pairs.map((pair) => ({ $eq: pair.map((value) => ({ $literal: value ?? null })) }));
    const filter = { $expr: { $and: same } };
    const found = await this.#find(database, {
      find: find['find'],
      filter,
      collation: { locale: 'simple' },
      projection: ID,
    });
    return found.length > 0;
  }

  /** @returns one document, if the command finds any */
  async #find(database: string, find: Fields): Promise<readonly Fields[]> {
    const { cursor } = await this.#control.db(database).command({ ...find, limit: 1, singleBatch: true });
    return (cursor as { readonly firstBatch: readonly Fields[] }).firstBatch;
  }
}

/** What an upsert looks for; undefined for other commands, for several statements, and in transactions, where a snapshot keeps others out. */
export function lookOf(command: Fields): Look | undefined {
  const [name = ''] = Object.keys(command);
  const statement = name === 'update' ? onlyStatement(command) : name.toLowerCase() === 'findandmodify' ? command : {};
  if (statement?.['upsert'] !== true || command['autocommit'] === false) return undefined;
  const { collation, hint, q: filter = command['query'] ?? {}, multi } = statement;
  const options = { collation, hint, let: command['let'] };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    database: String(command['$db']),
    find: { find: command[name], filter, ...given },
    isMulti: multi === true,
  };
}

/** The same upsert, so that it finds nothing. */
export function findingNothing(command: Fields): Fields {
  const statement = onlyStatement(command);
  const both = (filter: unknown): Fields => ({ $and: [filter ?? {}, NOTHING_FOUND] });
  if (statement === undefined) return { ...command, query: both(command['query']) };
  return { ...command, updates: [{ ...statement, q: both(statement['q']) }] };
}

function onlyStatement(command: Fields): Fields | undefined {
  const statements = listOf(command['updates']);
  return statements.length === 1 ? statements[0] : undefined;
}

/** The `_id` of the new document, from the reply to an update or a findAndModify. */
function upsertedId({ upserted, lastErrorObject }: Fields): unknown {
  const [first] = listOf(upserted);
  return first?.['_id'] ?? (lastErrorObject as Fields | undefined)?.['upserted'];
}

interface Duplicate {
  readonly keyPattern?: Fields;
  readonly keyValue?: Fields;
}

function duplicateOf(reply: Reply): Duplicate | undefined {
  const [writeError] = listOf(reply.body['writeErrors']);
  if ((writeError ?? reply.body)['code'] !== DUPLICATE_KEY) return undefined;
  const exact = reply.exact();
  return writeError === undefined ? exact : listOf(exact['writeErrors'])[0];
}

/** The equalities that a parsed filter consists of, by path; undefined if it has other conditions as well. */
function equalitiesOf(parsed: Fields): ReadonlyMap<string, unknown> | undefined {
  const conditions = '$and' in parsed ? listOf(parsed['$and']) : [parsed];
  const equalities = new Map<string, unknown>();
  for (const condition of conditions) {
    const [[path, test] = ['', {}], ...others] = Object.entries(condition);
    const [[operator, value] = [], ...more] = Object.entries(test as Fields);
    if (operator !== '$eq' || others.length + more.length > 0 || equalities.has(path)) return undefined;
    equalities.set(path, value);
  }
  return equalities;
}
