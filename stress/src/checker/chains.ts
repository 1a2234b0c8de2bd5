/**
 * Which keys took the place of which, one after the other. Each key has at most one that took its place, and each of those took one place: so chains
 * never branch, and a place in its chain is all that has to be known of a key. Linear in the keys of the chains that are asked for.
 */
export class Chains {
  readonly #nextOf: (keyId: string) => string | undefined;
  readonly #isMarked: (keyId: string) => boolean;
  readonly #places = new Map<string, Place>();

  /** @param isMarked see `isMarkedAfter` */
  constructor(nextOf: (keyId: string) => string | undefined, isMarked: (keyId: string) => boolean) {
    this.#nextOf = nextOf;
    this.#isMarked = isMarked;
  }

  /** What took the key's own place. */
  nextOf(keyId: string): string | undefined {
    return this.#nextOf(keyId);
  }

  /** Whether `id` took the place of the key, or of one that had taken it. */
  isAfter(id: string, keyId: string): boolean {
    const [key, other] = [this.#placeOf(keyId), this.#placeOf(id)];
    if (key.chain !== other.chain) return false;
    return key.chain.isCircle || other.fromEnd < key.fromEnd;
  }

  /** Whether a key after this one is marked. */
  isMarkedAfter(keyId: string): boolean {
    const { chain, fromEnd } = this.#placeOf(keyId);
    return chain.isCircle ? chain.lastMarked < Infinity : chain.lastMarked < fromEnd;
  }

  #placeOf(keyId: string): Place {
    const known = this.#places.get(keyId);
    if (known !== undefined) return known;
    const way = new Set<string>();
    let id: string | undefined = keyId;
    for (; id !== undefined && !this.#places.has(id) && !way.has(id); id = this.#nextOf(id)) way.add(id);
    const reached = id === undefined ? undefined : this.#places.get(id);
    const chain = reached?.chain ?? { isCircle: id !== undefined, lastMarked: Infinity };
    let fromEnd = reached === undefined ? 0 : reached.fromEnd + 1;
    let place: Place = { chain, fromEnd };
    for (const one of [...way].toReversed()) {
      place = { chain, fromEnd };
      this.#places.set(one, place);
      if (this.#isMarked(one)) chain.lastMarked = Math.min(chain.lastMarked, fromEnd);
      fromEnd++;
    }
    return place;
  }
}

interface Chain {
  /** Of documents that contradict each other. */
  readonly isCircle: boolean;
  /** The place of the last key that is marked. Infinite where none is. */
  lastMarked: number;
}

interface Place {
  readonly chain: Chain;
  /** 0 of the last key. */
  readonly fromEnd: number;
}
