import { seededRandom } from 'mongo-interleave';

/**
 * Random numbers for the faults of a round. The first numbers of generators with neighbouring seeds are alike, and each round draws only
 * a few: the finalizer of MurmurHash3 makes seeds of all sizes out of them.
 *
 * @param seed of the round
 */
export function randomOf(seed: number): () => number {
  let mixed = seed + 1;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return seededRandom((mixed ^ (mixed >>> 16)) >>> 0);
}
