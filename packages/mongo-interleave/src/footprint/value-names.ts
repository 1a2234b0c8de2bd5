import type { Fields } from '../gate/message.ts';
import { incrementsOf } from './command-access.ts';
import type { Footprint, Image, Selector } from './footprint.ts';
import { eachPart, fieldText, STRING } from './known-fields.ts';
import { collectionNameOf, relativeTo } from './namespace.ts';
import type { StartState } from './start-state-reader.ts';

/** Fields of a command that are no values of the flow. */
const OUTSIDE: ReadonlySet<string> = new Set(['$clusterTime', '$db', 'lsid', 'txnNumber', 'getMore', 'operationTime']);

/** The names of the run in which a footprint was made. Not kept in a checkpoint: its runs are all earlier ones. */
const namesOf = new WeakMap<Footprint, ValueNames>();

/**
 * Names the values of one run so that a footprint of an earlier run can be compared with one of this run, although values that the flows
 * draw (ObjectIds, tokens, hashes) differ from run to run.
 *
 * A value is named by each place where it first came up: the client, the number of its command, and the place in the command. A
 * sleeping command is held at the gate in this run as well, with the values of this run, so its own places are known. Thus a later
 * step shares a name with it exactly if it shares the value. Values that only the server knew are named by their place in the start
 * state or in a reply.
 *
 * What only the own reply of a command tells, and what is not known to be the same in each start state, has no such place: it counts as
 * unknown. Fields, collections and increments are not named: see {@link isRenamed}.
 */
export class ValueNames {
  /** By the text of a value or a field: all places where it came up first, each client's own. Lists are replaced, never changed. */
  readonly #places = new Map<string, readonly string[]>();
  /** What came up at a place. */
  readonly #texts = new Map<string, string>();
  readonly #database: string;
  /** Texts and clients that have a place. */
  readonly #seen = new Set<string>();
  readonly #seenCommands = new WeakSet<Fields>();
  /** Texts that have come up first in the reply to the last command. */
  readonly #new = new Set<string>();
  /** Those of `#new` that need not be the same in each run. */
  readonly #told = new Set<string>();
  #isSteady: StartState['isSteady'] = () => false;

  /** @param database of the scenario; each worker has another, and their footprints are compared as well */
  constructor(database: string) {
    this.#database = database;
  }

  /** Must be called before anything is seen. */
  start({ names, isSteady }: StartState): void {
    for (const [text, name] of names) this.#add(text, name);
    this.#isSteady = isSteady;
  }

  /** A command has come to the gate. Must be called with all held commands before a step is taken; once for each is enough. */
  see(client: number, number: number, body: Fields): void {
    if (this.#seenCommands.has(body)) return;
    this.#seenCommands.add(body);
    let place = 0;
    const name = (text: string): void => this.#name(text, client, `${client} ${number} ${place++}`);
    for (const [key, value] of Object.entries(body))
      if (!OUTSIDE.has(key)) eachPart(value, name, (field) => this.#nameField(field, name));
    for (const increment of incrementsOf(body)) if (increment !== undefined) name(INCREMENT + increment);
  }

  /** A reply to a command: names what has no name yet. To be followed by `rename` with the footprint of the command. */
  seeReply(client: number, number: number, { cursor, value, upserted, lastErrorObject }: Fields): void {
    let place = 0;
    const name = (text: string): void => {
      const own = `${client} ${number} reply ${place++}`;
      if (this.#places.has(text)) return;
      this.#add(text, own);
      this.#new.add(text);
    };
    // An id that the server has just made is in no other document.
    eachPart([upserted, lastErrorObject], name, () => undefined);
    const tell = (text: string): void => {
      if (!this.#places.has(text) && !this.#isSteady(text)) this.#told.add(text);
    };
    eachPart(value, tell, (field) => tell(fieldText(field)));
    eachPart([value, cursor], name, (field) => this.#nameField(field, name));
  }

  /** The first place where a value came up in this run; undefined if it did not. */
  placeOf(text: string): string | undefined {
    return this.#places.get(text)?.[0];
  }

  /** Has this come up in this run in the places where it came up in an earlier one? At some of these nothing may have come up yet. */
  isStill(text: string, places: readonly string[]): boolean {
    const found = places.map((place) => this.#texts.get(place)).filter((one) => one !== undefined);
    return found.length > 0 && found.every((one) => one === text);
  }

  /** The same footprint with the names of its values beside them, and without the name of the scenario's database. */
  rename(footprint: Footprint): Footprint {
    const terms = new Map<string, readonly string[]>();
    const addTerm = (...texts: readonly string[]): void => {
      for (const text of texts) {
        const places = this.#places.get(text);
        if (places !== undefined && !this.#new.has(text)) terms.set(text, places);
      }
    };
    const rename = <P extends Selector | Image>(part: P): P => {
      addTerm(STRING + collectionNameOf(part.namespace));
      if (part.increment !== undefined) addTerm(INCREMENT + part.increment);
      const fields = new Map<string, ReadonlySet<string> | undefined>();
      let isWhole = true;
      for (const [field, values] of part.fields) {
        if (this.#told.size > 0 && this.#told.has(fieldText(field))) {
          isWhole = false;
          continue;
        }
        fields.set(field, values && this.#namesOf(values));
        // An update that renames a field holds the new name as a value.
        addTerm(fieldText(field), STRING + field);
      }
      const renamed = { ...part, namespace: relativeTo(this.#database, part.namespace), fields };
      return isWhole || !('whole' in part) ? renamed : { ...renamed, whole: false };
    };
    const { reads, writes, inserts, orderedReads } = footprint;
    const renamed: Footprint = {
      ...footprint,
      reads: reads.map(rename),
      writes: writes.map(rename),
      inserts: inserts.map(rename),
      orderedReads: orderedReads.map(rename),
      terms,
    };
    namesOf.set(renamed, this);
    this.#new.clear();
    this.#told.clear();
    return renamed;
  }

  #nameField(field: string, name: (text: string) => void): void {
    name(fieldText(field));
    if (field.includes('.')) name(fieldText(field.split('.', 1)[0] ?? field));
  }

  #name(text: string, client: number, place: string): void {
    const key = `${client} ${text}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#add(text, place);
  }

  #add(text: string, place: string): void {
    this.#places.set(text, [...(this.#places.get(text) ?? []), place]);
    this.#texts.set(place, text);
  }

  /** The text stays beside the names: most values are the same in each run. */
  #namesOf(values: ReadonlySet<string>): ReadonlySet<string> | undefined {
    const names = new Set<string>();
    for (const text of values) {
      if (this.#told.size > 0 && this.#told.has(text)) return undefined;
      names.add(text);
      for (const place of this.#places.get(text) ?? []) names.add(place);
    }
    return names;
  }
}

/** How the texts of increments begin, see {@link Image.increment}. They are no texts of values. */
const INCREMENT = 'increment ';

/**
 * May a command of an earlier run have other fields or another collection by now? It is held in this run as well. So all that came up in
 * the earlier run until then has come up in this run, in the same places, unless it is drawn anew. What the command touches is not known
 * then.
 *
 * @param earlier a footprint of this run or of an earlier one
 * @param now a footprint of this run
 */
export const isRenamed = (earlier: Footprint, now: Footprint): boolean =>
  hasOtherTerm(earlier, now, (text) => !text.startsWith(INCREMENT));

/** The same for increments: two that were equal need not be equal now. */
export const hasOtherIncrement = (earlier: Footprint, now: Footprint): boolean =>
  hasOtherTerm(earlier, now, (text) => text.startsWith(INCREMENT));

function hasOtherTerm(earlier: Footprint, now: Footprint, matters: (text: string) => boolean): boolean {
  const names = namesOf.get(now);
  if (names === undefined || earlier.terms === undefined || names === namesOf.get(earlier)) return false;
  for (const [text, places] of earlier.terms) if (matters(text) && !names.isStill(text, places)) return true;
  return false;
}
