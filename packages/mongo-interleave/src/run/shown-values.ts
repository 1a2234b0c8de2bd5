import { entriesOf } from '../footprint/known-fields.ts';

const MAX_TEXT = 40;
/** Of an array so many elements are shown. */
const MAX_ELEMENTS = 5;
/** Documents inside documents are shown down to this depth. */
const MAX_DEPTH = 6;

const UUID_SUBTYPE = 4;
/** BSON's classes of numbers. */
const NUMBERS: ReadonlySet<unknown> = new Set(['Long', 'Decimal128', 'Int32', 'Double']);

interface BsonValue {
  readonly _bsontype?: unknown;
  readonly sub_type?: unknown;
  toString(): string;
}

/**
 * Writes values as text: names of fields and operators always, values only of `_id` and of the fields to be shown. ObjectIds and UUIDs
 * are numbered in order of appearance, because a replay generates others.
 */
export class ShownValues {
  readonly #shown: ReadonlySet<string>;
  readonly #ids = new Map<string, number>();
  readonly #scalars = new Set<unknown>();
  #hidesFields = false;

  /** @param showFields fields whose values are shown besides `_id`, such as `state` or `profile.mail` */
  constructor(showFields: readonly string[]) {
    this.#shown = new Set(showFields);
  }

  /** Has the value of a field been left out in this run? */
  get hidesFields(): boolean {
    return this.#hidesFields;
  }

  /** Has this string or number been shown in this run? */
  has(value: unknown): boolean {
    return this.#scalars.has(value);
  }

  /** Remembers a value as shown. */
  add(value: unknown): void {
    if (typeof value === 'string' || typeof value === 'number') this.#scalars.add(value);
  }

  /** Are the values of this field shown? `_id` is shown whole. */
  #isShown(path: string): boolean {
    return path === '_id' || path.startsWith('_id.') || this.#shown.has(withoutIndexes(path));
  }

  /** All fields by their names, as in `{ _id: "p", count: $lt 5, secret }`. Logical operators keep the documents in them. */
  document(document: unknown, prefix = '', depth = 0): string {
    return braces(
      entriesOf(document).map(([name, value]) => {
        if (name.startsWith('$')) return [name, this.#operand(value, prefix, depth)].join(' ').trimEnd();
        return nameAnd(name, this.value(value, join(prefix, name), depth));
      }),
    );
  }

  /** Only what is shown: `_id "p"`, or `{ _id: "p", count: 1 }`. Empty if nothing is. */
  shownOf(document: unknown, { hidesId = false }: { readonly hidesId?: boolean } = {}): string {
    const fields = entriesOf(document).flatMap(([name, value]) => {
      const text = name === '_id' && hidesId ? '' : this.value(value, name);
      return text === '' ? [] : [{ name, text }];
    });
    const [first] = fields;
    if (fields.length === 1 && first?.name === '_id') return `_id ${first.text}`;
    return first === undefined ? '' : braces(fields.map(({ name, text }) => nameAnd(name, text)));
  }

  /** The value of a field, with operators as in `$lt 5`. Empty if nothing of it is shown. */
  value(value: unknown, path: string, depth = 0): string {
    if (depth === MAX_DEPTH) return '';
    if (Array.isArray(value)) return this.#array(value, path, depth + 1);
    const entries = entriesOf(value);
    if (entries.length === 0) return this.#isShown(path) ? this.scalar(value) : this.#hide();
    if (entries.every(([name]) => name.startsWith('$')))
      return entries
        .map(([operator, operand]) => [operator, this.value(operand, path, depth + 1)].join(' ').trimEnd())
        .join(' ');
    const inner = entries.map(([name, part]) => [name, this.value(part, join(path, name), depth + 1)] as const);
    return inner.every(([, text]) => text === '') ? '' : braces(inner.map(([name, text]) => nameAnd(name, text)));
  }

  /** A scalar in full. Documents, arrays and binary data are `...`. */
  scalar(value: unknown): string {
    this.add(value);
    if (typeof value === 'string') return JSON.stringify(shorten(value, MAX_TEXT));
    if (typeof value !== 'object' || value === null) return String(value);
    if (value instanceof Date) return value.toISOString();
    if (value instanceof RegExp) return String(value);
    const bson: BsonValue = value;
    if (NUMBERS.has(bson._bsontype)) return bson.toString();
    return this.id(value) || (Object.keys(value).length === 0 ? '{}' : '...');
  }

  /** As in `ObjectId#1` or `UUID#1`; empty for other values. */
  id(value: object): string {
    // Not by class: what a flow returns may come from another copy of the driver.
    const bson: BsonValue = value;
    const { _bsontype: type, sub_type: subtype } = bson;
    const isUuid = type === 'Binary' && subtype === UUID_SUBTYPE;
    if (type !== 'ObjectId' && !isUuid) return '';
    const text = bson.toString();
    const number = this.#ids.get(text) ?? this.#ids.size + 1;
    this.#ids.set(text, number);
    return `${isUuid ? 'UUID' : 'ObjectId'}#${number}`;
  }

  #hide(): '' {
    this.#hidesFields = true;
    return '';
  }

  #array(values: readonly unknown[], path: string, depth: number): string {
    const texts = values.slice(0, MAX_ELEMENTS).map((value) => this.value(value, path, depth));
    if (values.length === 0) return this.#isShown(path) ? '[]' : '';
    if (texts.every((text) => text === '')) return '';
    const more = values.length > MAX_ELEMENTS ? ['...'] : [];
    return `[${[...texts.map((text) => text || '...'), ...more].join(', ')}]`;
  }

  /** What stands under an operator of a filter: the documents of `$or`; nothing for `$expr`, `$where` and the like. */
  #operand(value: unknown, prefix: string, depth: number): string {
    if (!Array.isArray(value) || depth === MAX_DEPTH) return '';
    return `[${value.map((one) => this.document(one, prefix, depth + 1)).join(', ')}]`;
  }
}

/** As in `{ a, b: 1 }`. */
const braces = (fields: readonly string[]): string => (fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`);

/** As in `b: 1`, or `a` if there is nothing to show. */
export const nameAnd = (name: string, text: string): string => (text === '' ? name : `${name}: ${text}`);

export const shorten = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max)}...` : text);

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** `items.0.sku`, `items.$.sku` and `items.$[one].sku` are `items.sku`. */
const withoutIndexes = (path: string): string => path.replaceAll(/\.(?:\d+|\$(?:\[[^\]]*\])?)(?=\.|$)/g, '');
