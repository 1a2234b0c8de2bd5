import { NULL_TEXT, type KnownFields } from './known-fields.ts';

/** The documents that a command looked for: those of a collection with these values. Without fields: the whole collection. */
export interface Selector {
  readonly collection: string;
  readonly fields: KnownFields;
}

/** What is known of a document before or after a write. */
export interface Image {
  readonly collection: string;
  readonly fields: KnownFields;
  /** True if fields that are not among `fields` are missing in the document; false if they are unknown. */
  readonly whole: boolean;
}

/** What one command read and wrote, derived from the command and its reply. */
export interface Footprint {
  readonly reads: readonly Selector[];
  /** Empty if nothing changed: a write that matched nothing is a read. */
  readonly writes: readonly Image[];
  /** First statement of a transaction. Later commits of other transactions are invisible to this transaction. */
  readonly takesSnapshot: boolean;
  /** Changes what a later snapshot holds, or lets a waiting transaction begin. */
  readonly movesSnapshot: boolean;
  /** A command of unknown effect, which commutes with nothing. */
  readonly everything: boolean;
  /** A fault was injected. Two faults don't commute: their number in a run is limited, so one fault excludes another. */
  readonly isFault: boolean;
}

export const NOTHING: Footprint = {
  reads: [],
  writes: [],
  takesSnapshot: false,
  movesSnapshot: false,
  everything: false,
  isFault: false,
};

/**
 * Are two commands of different clients dependent, that is, may their order matter? False only if both orders give the same replies
 * and the same data. Reads commute. A write and a command that looks for the document as it was before or after the write are
 * dependent. Two writes of one document need no rule of their own, because each write also looks for its document.
 */
export function dependent(one: Footprint, other: Footprint): boolean {
  if (one.everything || other.everything || (one.isFault && other.isFault)) return true;
  if ((one.takesSnapshot && other.movesSnapshot) || (one.movesSnapshot && other.takesSnapshot)) return true;
  return meetsAny(one.writes, other.reads) || meetsAny(other.writes, one.reads);
}

/** May any of these selectors find any of these documents? */
export function meetsAny(images: readonly Image[], selectors: readonly Selector[]): boolean {
  return images.some((image) => selectors.some((selector) => meets(image, selector)));
}

function meets(image: Image, selector: Selector): boolean {
  if (image.collection !== selector.collection) return false;
  for (const [name, demanded] of selector.fields) {
    if (demanded === undefined) continue;
    if (image.fields.has(name)) {
      const values = image.fields.get(name);
      if (values !== undefined && [...values].every((value) => !demanded.has(value))) return false;
    } else if (image.whole && !demanded.has(NULL_TEXT)) return false;
  }
  return true;
}
