import { createHash } from 'node:crypto';
import type { Fields } from '../gate/message.ts';
import { contentWith, eachPart, fieldsOf, fieldText } from './known-fields.ts';

/** A collection as it was read first, and what later reads have left of that. */
interface Collection {
  readonly first: readonly Fields[];
  readonly texts: ReadonlySet<string>;
  /** Those of `texts` that were found again in their places. Undefined until the second read. */
  readonly steady: ReadonlySet<string> | undefined;
  /** It was the same each time. */
  readonly isStable: boolean;
}

/** What a checkpoint keeps of a collection: enough to tell whether another process makes it with the same steady texts. */
export interface SteadyTexts {
  readonly texts: readonly string[];
  readonly isStable: boolean;
  /** Of the documents, in which all other texts count as equal. */
  readonly digest: string;
}

/** By namespace, see {@link relativeTo}. */
export type SteadyState = Readonly<Record<string, SteadyTexts>>;

const NONE: ReadonlySet<string> = new Set();

/**
 * What the start states have in common that the workers of a session have made so far. Values that a reset draws anew get names, by
 * collection, place and field. Of a value that stays the same, a footprint of one run tells as much in another run: if it turns out
 * later that it does not stay the same, {@link StartStates.refuted} goes up, and what was compared until then may have been wrong.
 */
export class StartStates {
  readonly #collections = new Map<string, Collection>();
  #saved = new Map<string, SteadyTexts>();
  #refuted = 0;
  readonly #uneven = new Set<string>();

  /** How many times a value, field or array turned out not to be the same in each start state, after it was taken to be so. */
  get refuted(): number {
    return this.#refuted;
  }

  /** Collections, by namespace, whose number of documents was not the same each time. */
  get uneven(): readonly string[] {
    return [...this.#uneven].toSorted();
  }

  /** Has the collection been read? */
  has(namespace: string): boolean {
    return this.#collections.has(namespace);
  }

  /** Need the documents of the collection be read only if they have changed? */
  isStable(namespace: string): boolean {
    return this.#collections.get(namespace)?.isStable === true;
  }

  /** @returns the texts of the collection that were the same in each start state so far */
  steadyOf(namespace: string): ReadonlySet<string> {
    return this.#collections.get(namespace)?.steady ?? NONE;
  }

  /** Is the text in the same place of each start state, in any collection? */
  isSteady(text: string): boolean {
    return [...this.#collections.values()].some(({ steady }) => steady?.has(text) === true);
  }

  /** Writes down what was read of a collection. @returns the names of its drawn values and fields, by their texts */
  add(namespace: string, documents: readonly Fields[]): ReadonlyMap<string, string> {
    const texts = textsOf(documents);
    const before = this.#collections.get(namespace) ?? this.#restored(namespace, documents, texts);
    if (before === undefined) {
      // Nothing of an empty collection is relied on.
      const isStable = documents.length === 0;
      this.#collections.set(namespace, { first: documents, texts, steady: undefined, isStable });
      return nameDrawn(namespace, documents, new Set([...texts].filter(looksDrawn)));
    }
    const { first, steady = before.texts } = before;
    if (first.length !== documents.length) this.#uneven.add(namespace);
    const isSame = areAlike(first, documents, () => true);
    const common = isSame ? before.texts : both(before.texts, texts);
    // Values that have only changed places are as good as drawn.
    const kept = isSame || areAlike(first, documents, (text) => common.has(text)) ? common : NONE;
    const isStable = isSame && (before.isStable || before.steady === undefined);
    const steadyNow = isSame ? steady : both(steady, kept);
    if ((before.isStable && !isStable) || steadyNow.size < (before.steady?.size ?? 0)) this.#refuted++;
    this.#collections.set(namespace, { ...before, steady: steadyNow, isStable });
    // Also a value of an earlier start state that has come back.
    return nameDrawn(namespace, documents, new Set([...texts].filter((text) => !steadyNow.has(text))));
  }

  get state(): SteadyState {
    const state: Record<string, SteadyTexts> = Object.fromEntries(this.#saved);
    for (const [namespace, { first, steady, isStable }] of this.#collections)
      if (steady !== undefined) state[namespace] = { texts: [...steady], isStable, digest: digestOf(first, steady) };
    return state;
  }

  /** Goes on with what another process knew. */
  restore(state: SteadyState): void {
    this.#saved = new Map(Object.entries(state));
  }

  /** A collection that another process has read, as it is found now. */
  #restored(namespace: string, documents: readonly Fields[], texts: ReadonlySet<string>): Collection | undefined {
    const saved = this.#saved.get(namespace);
    if (saved === undefined) return undefined;
    this.#saved.delete(namespace);
    const steady = new Set(saved.texts);
    if (digestOf(documents, steady) === saved.digest)
      return { first: documents, texts, steady, isStable: saved.isStable };
    this.#refuted++;
    return { first: documents, texts, steady: NONE, isStable: false };
  }
}

const both = (some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...some].filter((text) => others.has(text)));

/** ObjectIds, and UUIDs as strings: known as drawn before a second reset has shown it. */
const looksDrawn = (text: string): boolean => /^(?:id |string [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/.test(text);

/** Of all values and fields, at any depth. */
export function textsOf(documents: readonly Fields[]): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const document of documents)
    eachPart(
      document,
      (text) => texts.add(text),
      (field) => texts.add(fieldText(field)),
    );
  return texts;
}

/** Are they the same documents, in whatever order, if all other texts count as equal? */
function areAlike(some: readonly Fields[], others: readonly Fields[], matters: (text: string) => boolean): boolean {
  if (some.length !== others.length) return false;
  const [one, other] = [contentsOf(some, matters), contentsOf(others, matters)];
  return one.every((content, index) => content === other[index]);
}

const digestOf = (documents: readonly Fields[], steady: ReadonlySet<string>): string =>
  createHash('sha256')
    .update(contentsOf(documents, (text) => steady.has(text)).join('\n'))
    .digest('hex');

const contentsOf = (documents: readonly Fields[], matters: (text: string) => boolean): string[] =>
  documents.map((each) => contentOf(each, matters)).toSorted();

/** A document as text, in which all texts that don't matter are equal. */
const contentOf = (document: Fields, matters: (text: string) => boolean): string =>
  contentWith(
    document,
    (text) => (matters(text) ? text : ''),
    (field) => (matters(fieldText(field)) ? JSON.stringify(field) : ''),
  );

/** The place of a document is its place in the order of contents, in which drawn values count as equal, then of insertion. */
function nameDrawn(namespace: string, documents: readonly Fields[], drawn: ReadonlySet<string>): Map<string, string> {
  const names = new Map<string, string>();
  if (drawn.size === 0) return names;
  const name = (text: string, place: string): void => {
    if (drawn.has(text) && !names.has(text)) names.set(text, place);
  };
  const placed = documents.map((document) => ({ document, content: contentOf(document, (text) => !drawn.has(text)) }));
  placed.sort((one, other) => (one.content < other.content ? -1 : one.content > other.content ? 1 : 0));
  for (const [place, { document }] of placed.entries())
    for (const [index, [field, values]] of [...fieldsOf(document)].entries()) {
      name(fieldText(field), `${namespace} ${place} field ${index}`);
      for (const text of values ?? []) name(text, `${namespace} ${place} ${index}`);
    }
  return names;
}
