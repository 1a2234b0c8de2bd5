import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const UINT32_COUNT = 2 ** 32;

/**
 * A random number generator like `Math.random`, with a seed: the same seed gives the same numbers on every machine, and neighbouring seeds give
 * numbers that have nothing to do with each other.
 *
 * @param seed an integer
 * @returns a function that returns the next number, from 0 up to but not including 1
 */
export function seededRandom(seed: number): () => number {
  const generator = xoroshiro128plus(scatter(seed));
  return () => (generator.next() >>> 0) / UINT32_COUNT;
}

/** The generator's first numbers are alike for neighbouring seeds. The finalizer of MurmurHash3 makes seeds of all sizes out of them. */
function scatter(seed: number): number {
  let mixed = seed + 1;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
