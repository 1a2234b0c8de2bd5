import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const UINT32_COUNT = 2 ** 32;

/** Numbers from 0 up to 1 that are the same for the same seed, on every machine. */
export function seededRandom(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => (generator.next() >>> 0) / UINT32_COUNT;
}
