import { NULL_TEXT, type KnownFields } from './known-fields.ts';

/** The documents that a command looked for: those of a collection with these values. Without fields: the whole collection. */
export interface Selector {
  /** `database.collection`. */
  readonly namespace: string;
  readonly fields: KnownFields;
  /** See {@link Image.increment}. */
  readonly increment?: string;
}

/** What is known of a document before or after a write. */
export interface Image {
  /** `database.collection`. */
  readonly namespace: string;
  readonly fields: KnownFields;
  /** True if fields that are not among `fields` are missing in the document; false if they are unknown. */
  readonly whole: boolean;
  /** The update, if repeating it gives the same reply and neither command sees the other's effect, such as `{ $inc: { n: 1 } }`. */
  readonly increment?: string;
}

/** What one command read and wrote, derived from the command and its reply. */
export interface Footprint {
  readonly reads: readonly Selector[];
  /** Empty if nothing changed: a write that matched nothing is a read. */
  readonly writes: readonly Image[];
  /** The command writes, if it finds something to write to. */
  readonly mayWrite: boolean;
  /** The inserted documents among `writes`. They come one after the other in the order of the collection. */
  readonly inserts: readonly Image[];
  /** The `reads` whose result depends on the order in which the documents were inserted. */
  readonly orderedReads: readonly Selector[];
  /** Reads the log of all writes, as change streams do, so that their order is seen whatever they wrote. */
  readonly readsLog: boolean;
  /** First statement of a transaction. Later commits of other transactions are invisible to this transaction. */
  readonly takesSnapshot: boolean;
  /** Changes what a later snapshot holds, or lets a waiting transaction begin. */
  readonly movesSnapshot: boolean;
  /** A command of unknown effect, which commutes with nothing. */
  readonly everything: boolean;
  /** A fault was injected. Two faults don't commute: their number in a run is limited, so one fault excludes another. */
  readonly isFault: boolean;
  /**
   * Another member became the primary, which ended the transactions of all clients, and what a client sends later goes to another server:
   * commutes with nothing.
   */
  readonly isFailover?: boolean;
  /** An increment failed, or changed nothing: equal increments are not equal then. */
  readonly refusesIncrement?: boolean;
  /** Fields, collections and increments as texts, with all places where they came up in the run. Another run may have others there. */
  readonly terms?: ReadonlyMap<string, readonly string[]>;
}

export const NOTHING: Footprint = {
  reads: [],
  writes: [],
  mayWrite: false,
  inserts: [],
  orderedReads: [],
  readsLog: false,
  takesSnapshot: false,
  movesSnapshot: false,
  everything: false,
  isFault: false,
};

/**
 * Are two commands of different clients dependent, that is, may their order matter? False only if both orders give the same replies
 * and the same data, up to the order of documents in a collection. Reads commute. A write and a command that looks for the document as
 * it was before or after the write are dependent. Two writes of one document need no rule of their own, because each write also looks
 * for its document. What is not known to commute does not.
 */
export function dependent(one: Footprint, other: Footprint): boolean {
  if (one.everything || other.everything || (one.isFault && other.isFault)) return true;
  if (one.isFailover === true || other.isFailover === true) return true;
  if ((one.takesSnapshot && other.movesSnapshot) || (one.movesSnapshot && other.takesSnapshot)) return true;
  if ((one.readsLog && other.writes.length > 0) || (other.readsLog && one.writes.length > 0)) return true;
  return meetsAny(one.writes, other.reads) || meetsAny(other.writes, one.reads);
}

/** Of two transactions that change one document, one is refused, whatever the change. */
export const withoutIncrement = <P extends { readonly increment?: string }>({
  increment: _increment,
  ...part
}: P): Omit<P, 'increment'> => part;

/** The same footprint, in which no increment commutes with its like. */
export const withoutIncrements = (footprint: Footprint): Footprint => ({
  ...footprint,
  reads: footprint.reads.map(withoutIncrement),
  writes: footprint.writes.map(withoutIncrement),
});

/** Can it only leave the data as they are? A write that matched nothing is none: another time it may match. */
export const isRead = ({ writes, mayWrite, takesSnapshot, everything, isFault }: Footprint): boolean =>
  writes.length === 0 && !mayWrite && !takesSnapshot && !everything && !isFault;

/** Above this number of pairs, selectors are looked up by value, so that the cost is near linear. */
const MAX_PAIRS = 64;

/** May any of these selectors find any of these documents? */
export function meetsAny(images: readonly Image[], selectors: readonly Selector[]): boolean {
  if (images.length === 0 || selectors.length === 0) return false;
  if (images.length * selectors.length <= MAX_PAIRS)
    return images.some((image) => selectors.some((selector) => meets(image, selector)));
  const index = indexOf(selectors);
  return images.some((image) => candidatesFor(image, index).some((selector) => meets(image, selector)));
}

/** Selectors by namespace, the first field that they demand, and its values. */
type SelectorIndex = ReadonlyMap<string, NamespaceIndex>;

interface NamespaceIndex {
  /** Those that demand nothing. */
  readonly all: Selector[];
  readonly byField: Map<string, Map<string, Selector[]>>;
}

/** Footprints don't change, and each is compared with many others. */
const indexes = new WeakMap<readonly Selector[], SelectorIndex>();

function indexOf(selectors: readonly Selector[]): SelectorIndex {
  const known = indexes.get(selectors);
  if (known !== undefined) return known;
  const index = new Map<string, NamespaceIndex>();
  for (const selector of selectors) {
    const { all, byField } = getOrAdd(index, selector.namespace, () => ({ all: [], byField: new Map() }));
    const [field, values] = [...selector.fields].find(([, demanded]) => demanded !== undefined) ?? [];
    if (field === undefined || values === undefined) {
      all.push(selector);
      continue;
    }
    const byValue = getOrAdd(byField, field, () => new Map<string, Selector[]>());
    for (const value of values) getOrAdd(byValue, value, () => []).push(selector);
  }
  indexes.set(selectors, index);
  return index;
}

function candidatesFor({ namespace, fields, whole }: Image, index: SelectorIndex): Selector[] {
  const found = index.get(namespace);
  if (found === undefined) return [];
  const byField = [...found.byField].flatMap(([field, byValue]) => {
    const values = fields.has(field) ? fields.get(field) : whole ? new Set([NULL_TEXT]) : undefined;
    return values === undefined
      ? [...byValue.values()].flat()
      : [...values].flatMap((value) => byValue.get(value) ?? []);
  });
  return [...found.all, ...byField];
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function meets(image: Image, selector: Selector): boolean {
  if (image.namespace !== selector.namespace) return false;
  if (image.increment !== undefined && image.increment === selector.increment) return false;
  for (const [name, demanded] of selector.fields) {
    if (demanded === undefined) continue;
    if (image.fields.has(name)) {
      const values = image.fields.get(name);
      if (values !== undefined && [...values].every((value) => !demanded.has(value))) return false;
    } else if (image.whole && !demanded.has(NULL_TEXT)) return false;
  }
  return true;
}
