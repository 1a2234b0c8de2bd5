import { ObjectId } from 'mongodb';
import { entriesOf } from '../footprint/known-fields.ts';
import { errorCode } from '../footprint/transactions.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { FaultKind } from '../schedule/token.ts';
import type { TraceStep } from './trace-step.ts';

const MAX_TEXT = 40;
const MAX_TOUCHED = 100;

const shorten = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max)}...` : text);

const FAULT_EFFECTS: Readonly<Record<FaultKind, string>> = {
  crash: 'not sent: the client crashed and restarts',
  'crash-after': 'then the client crashed and restarts',
  'lost-reply': 'but the reply was lost',
  reset: 'not sent: the connection was reset',
  error: 'by an injected fault',
};

/** Describes the steps of one run. ObjectIds are numbered in order of appearance, because a replay generates others. */
export class TraceWriter {
  readonly #shown: ReadonlySet<string>;
  readonly #ids = new Map<string, number>();

  /** @param showFields fields whose scalar values are shown, besides `_id` */
  constructor(showFields: readonly string[]) {
    this.#shown = new Set(['_id', ...showFields]);
  }

  /** @param reply undefined if the command was not sent */
  step({ client, name, body }: HeldCommand, reply: Fields | undefined, fault?: FaultKind): TraceStep {
    const collection = body[name];
    const came = reply === undefined ? [] : [this.#reply(reply)];
    return {
      client,
      command: name,
      collection: typeof collection === 'string' ? collection : '',
      touched: this.#touched(body),
      reply: [...came, ...(fault === undefined ? [] : [FAULT_EFFECTS[fault]])].join(', '),
      ...(fault === undefined ? {} : { fault }),
    };
  }

  #touched(body: Fields): string {
    const statements = [body['deletes'], body['updates']].flatMap((list) =>
      Array.isArray(list) ? (list as Fields[]) : [],
    );
    const filters = [body['filter'], body['query'], ...statements.map((statement) => statement['q'])];
    const documents: readonly unknown[] = Array.isArray(body['documents']) ? body['documents'] : [];
    const parts = [...filters, ...documents].filter((part) => part !== undefined);
    const start = body['startTransaction'] === true ? 'startTransaction ' : '';
    return shorten(start + parts.map((part) => this.#document(part)).join(' '), MAX_TOUCHED);
  }

  #reply(reply: Fields): string {
    const code = errorCode(reply);
    const { codeName, value, cursor, n } = reply;
    if (code !== undefined) return `error ${code}${typeof codeName === 'string' ? ` ${codeName}` : ''}`;
    if ('value' in reply) return value === null ? 'null' : this.#id(value);
    for (const [name, batch] of entriesOf(cursor)) {
      if (name === 'firstBatch' || name === 'nextBatch') {
        const documents: readonly unknown[] = Array.isArray(batch) ? batch : [];
        const [first] = documents;
        return documents.length === 1 ? this.#id(first) : `${documents.length} documents`;
      }
    }
    return typeof n === 'number' ? `n=${n}` : 'ok';
  }

  #id(document: unknown): string {
    const id = entriesOf(document).find(([name]) => name === '_id');
    return id === undefined ? '1 document' : `_id ${this.#scalar(id[1])}`;
  }

  #document(document: unknown): string {
    const fields = entriesOf(document).map(([name, value]) => {
      return this.#shown.has(name) ? `${name}: ${this.#scalar(value)}` : name;
    });
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }

  #scalar(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(shorten(value, MAX_TEXT));
    if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value)) return String(value);
    if (value instanceof Date) return value.toISOString();
    const [[operator, operand] = []] = entriesOf(value);
    if (operator === '$in' && Array.isArray(operand))
      return `in [${operand.map((one: unknown) => this.#scalar(one)).join(', ')}]`;
    if (!(value instanceof ObjectId)) return '...';
    const hex = value.toHexString();
    const number = this.#ids.get(hex) ?? this.#ids.size + 1;
    this.#ids.set(hex, number);
    return `ObjectId#${number}`;
  }
}
