import * as fc from 'fast-check';

/** A wish for an id, or null for a plain one: `k1`, `b1`. Wishes may be equal; `Names` gives each document an id of its own. */
export type NameWish = string | null;

/** Ids that a careless comparison, filter or path takes for one another. Some are prefixes of others. */
const lookAlikes = [
  'k k1 k10 K1 k.1 k1. $k1 $set b b1 b10 B1 k1b1 0 1 null undefined unknown __proto__ constructor .*'.split(' '),
  ['k1 ', ' k1', 'k1\n', 'k1\u0000', 'k1\u200b', '[object Object]', '{"$ne":null}', 'k'.repeat(1_024)],
  ['é', 'e\u0301', 'ключ', '鍵', '🔑', '🔑k1'],
].flat();

export const nameWish: fc.Arbitrary<NameWish> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: fc.constantFrom(...lookAlikes) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
);

/** Gives ids to the documents of one workload, each only once. */
export class Names {
  readonly #given = new Set<string>();

  give(wish: NameWish, prefix: string): string {
    let id = wish ?? `${prefix}1`;
    for (let number = 1; this.#given.has(id); number++) id = `${prefix}${number}`;
    this.#given.add(id);
    return id;
  }
}
