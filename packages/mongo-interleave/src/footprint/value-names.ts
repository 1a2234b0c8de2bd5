import type { Fields } from '../gate/message.ts';
import type { Footprint } from './footprint.ts';
import { relativeTo } from './namespace.ts';
import { eachPart, fieldText, STRING, type KnownFields } from './known-fields.ts';
import type { StartState } from './start-state-names.ts';

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
 * unknown. Fields and collections are not named, but noted: see {@link mayBeRenamed}.
 */
export class ValueNames {
  readonly #places = new Map<string, string[]>();
  readonly #database: string;
  /** Texts and clients that have a place. */
  readonly #seen = new Set<string>();
  readonly #seenCommands = new WeakSet<Fields>();
  readonly #fields = new Set<string>();
  /** What has come up and is not in each start state, as far as it was asked. */
  readonly #terms = new Set<string>();
  /** Texts of values and fields that only the reply to the last command has told. */
  readonly #told = new Set<string>();
  #isSteady: StartState['isSteady'] = () => false;

  /** @param database of the scenario; each worker has another, and their footprints are compared as well */
  constructor(database: string) {
    this.#database = database;
  }

  /** Must be called before anything is seen. */
  start({ names, isSteady }: StartState): void {
    for (const [text, name] of names) this.#places.set(text, [name]);
    this.#isSteady = isSteady;
  }

  /** A command has come to the gate. Must be called with all held commands before a step is taken; once for each is enough. */
  see(client: number, number: number, body: Fields): void {
    if (this.#seenCommands.has(body)) return;
    this.#seenCommands.add(body);
    let place = 0;
    for (const [name, value] of Object.entries(body)) {
      if (OUTSIDE.has(name)) continue;
      eachPart(
        value,
        (text) => this.#name(text, client, `${client} ${number} ${place++}`),
        (field) => this.#seeField(field),
      );
    }
  }

  /** A reply to a command: names the values that have no name yet. To be followed by `rename` with the footprint of the command. */
  seeReply(client: number, number: number, { cursor, value, upserted, lastErrorObject }: Fields): void {
    let place = 0;
    const name = (text: string): void => {
      const own = `${client} ${number} reply ${place++}`;
      if (!this.#places.has(text)) this.#places.set(text, [own]);
    };
    // An id that the server has just made is in no other document.
    eachPart([upserted, lastErrorObject], name, () => undefined);
    eachPart(
      value,
      (text) => this.#tell(text, this.#places.has(text)),
      (field) => this.#tell(fieldText(field), this.#fields.has(field)),
    );
    eachPart([value, cursor], name, (field) => this.#seeField(field));
  }

  /** The first place where a value came up in this run; undefined if it did not. */
  placeOf(text: string): string | undefined {
    return this.#places.get(text)?.[0];
  }

  /** Has the name of a field or collection come up in this run? */
  hasComeUp(name: string): boolean {
    return this.#fields.has(name) || this.#places.has(STRING + name);
  }

  /** The same footprint with the names of its values beside them, and without the name of the scenario's database. */
  rename(footprint: Footprint): Footprint {
    const terms = new Set<string>();
    const rename = <P extends { readonly fields: KnownFields; readonly namespace: string }>(part: P): P => {
      const collection = part.namespace.slice(part.namespace.indexOf('.') + 1);
      if (this.#isTerm(collection)) terms.add(collection);
      const fields = new Map<string, ReadonlySet<string> | undefined>();
      let isWhole = true;
      for (const [field, values] of part.fields) {
        if (this.#told.size > 0 && this.#told.has(fieldText(field))) {
          isWhole = false;
          continue;
        }
        fields.set(field, values && this.#namesOf(values));
        if (this.#isTerm(field)) terms.add(field);
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
      terms: [...terms],
    };
    namesOf.set(renamed, this);
    this.#told.clear();
    return renamed;
  }

  #isTerm(name: string): boolean {
    if (this.#terms.has(name)) return true;
    if (!this.hasComeUp(name) || this.#isSteady(fieldText(name))) return false;
    this.#terms.add(name);
    return true;
  }

  #tell(text: string, hasComeUp: boolean): void {
    if (!hasComeUp && !this.#isSteady(text)) this.#told.add(text);
  }

  #seeField(field: string): void {
    this.#fields.add(field);
    if (field.includes('.')) this.#fields.add(field.split('.', 1)[0] ?? field);
  }

  #name(text: string, client: number, name: string): void {
    const key = `${client} ${text}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const places = this.#places.get(text);
    if (places === undefined) this.#places.set(text, [name]);
    else places.push(name);
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

/**
 * May a command of an earlier run have other fields or another collection by now? It is held in this run as well, so all that it names
 * has come up in this run, unless that was drawn anew. What the command touches is not known then.
 *
 * @param earlier a footprint of this run or of an earlier one
 * @param now a footprint of this run
 */
export function mayBeRenamed(earlier: Footprint, now: Footprint): boolean {
  const names = namesOf.get(now);
  if (names === undefined || names === namesOf.get(earlier)) return false;
  return earlier.terms?.some((term) => !names.hasComeUp(term)) === true;
}
