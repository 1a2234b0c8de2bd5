import { NULL_TEXT, type KnownFields } from './known-fields.ts';

/** Documents that a command looked for: those of a collection with these values. No fields: the whole collection. */
export interface Selector {
  readonly collection: string;
  readonly fields: KnownFields;
}

/** What a document is known to have been before a write, or after it. */
export interface Image {
  readonly collection: string;
  readonly fields: KnownFields;
  /** Fields that are not among `fields` are missing, rather than unknown. */
  readonly whole: boolean;
}

/** What one command touched, taken from the command and its reply. */
export interface Footprint {
  readonly reads: readonly Selector[];
  /** Empty where nothing changed: a write that matched nothing is a read. */
  readonly writes: readonly Image[];
  /** First statement of a transaction: from here on it sees no other one's commit. */
  readonly takesSnapshot: boolean;
  /** Changes what a snapshot taken later holds, or lets a waiting transaction begin. */
  readonly movesSnapshot: boolean;
  /** A command whose effect is not known; it never commutes. */
  readonly everything: boolean;
  /** Something went wrong on purpose. How often that happens in a run is limited, so one takes the place of another. */
  readonly isFault: boolean;
}

export const nothing: Footprint = {
  reads: [],
  writes: [],
  takesSnapshot: false,
  movesSnapshot: false,
  everything: false,
  isFault: false,
};

/**
 * May the order of two commands of different clients matter? False only when both orders give the same replies and data.
 * Reads commute; a write meets what looks for the document as it was or as it became. Two writes of one document need
 * no rule of their own: each looked for it, too.
 */
export function dependent(one: Footprint, other: Footprint): boolean {
  if (one.everything || other.everything || (one.isFault && other.isFault)) return true;
  if ((one.takesSnapshot && other.movesSnapshot) || (one.movesSnapshot && other.takesSnapshot)) return true;
  return meetsAny(one.writes, other.reads) || meetsAny(other.writes, one.reads);
}

/** May any of these documents be looked for by any of these selectors? */
export function meetsAny(images: readonly Image[], selectors: readonly Selector[]): boolean {
  return images.some((image) => selectors.some((selector) => meets(image, selector)));
}

function meets(image: Image, selector: Selector): boolean {
  if (image.collection !== selector.collection) return false;
  for (const [name, wanted] of selector.fields) {
    if (wanted === undefined) continue;
    if (image.fields.has(name)) {
      const values = image.fields.get(name);
      if (values !== undefined && [...values].every((value) => !wanted.has(value))) return false;
    } else if (image.whole && !wanted.has(NULL_TEXT)) return false;
  }
  return true;
}
