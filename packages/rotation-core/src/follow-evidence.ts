import { isLive } from './documents.ts';
import type { Transaction } from './rotation.ts';
import type { Evidence } from './steps/read-evidence.ts';
import type { Steps } from './steps/index.ts';

/** A life of a key that is not live any more. Without an incarnation the latest known one is meant. */
export interface EndedLife {
  readonly keyId: string;
  readonly incarnation: string | undefined;
}

export interface Successor {
  /** The live key at the end of the chain. */
  readonly replacement: string;
  /** The rotation that replaced the asked key itself; missing where an older flow did it. */
  readonly rotationId: string | undefined;
}

/** A chain of replacements longer than this is not followed to its end; nor is one that comes back to a life it has passed. */
const CHAIN_LIMIT = 1_000;

interface Search<T> {
  readonly asked: T;
  readonly keyId: string;
  readonly incarnation: string | undefined;
  readonly rotationId: string | undefined;
  /** Lives that the chain has passed. What older flows left can go round in a circle. */
  readonly passed: ReadonlySet<string>;
}

/**
 * Finds the live key that each ended life was followed by: k1 -> b1 -> b2, where b1 was itself replaced. All of it is read in
 * the caller's snapshot, so the answer was true at one instant; committed with majority, it is durable.
 *
 * @returns an entry for each life that has a live successor, and none for the others.
 */
export async function followEvidence<T extends EndedLife>(
  transaction: Transaction,
  lives: readonly T[],
  steps: Steps,
): Promise<Map<T, Successor>> {
  const successors = new Map<T, Successor>();
  let searches: Search<T>[] = lives.map((asked) => ({ ...asked, asked, rotationId: undefined, passed: new Set() }));
  for (let hop = 0; searches.length > 0 && hop < CHAIN_LIMIT; hop++) {
    const evidence = await steps.readEvidence(transaction, unique(searches.map(({ keyId }) => keyId)));
    if (evidence.length === 0) break;
    const keys = await steps.readKeys(transaction, unique(evidence.map(({ _id }) => _id)));
    const next: Search<T>[] = [];
    for (const search of searches) {
      const found = chooseEvidence(search, evidence, (id) => isLive(keys.get(id)));
      if (found === undefined) continue;
      const rotationId = hop === 0 ? found.rotationId : search.rotationId;
      const key = keys.get(found._id);
      // The replacement's own life began with the rotation; the same id in a later life is not the one we look for.
      if (isLive(key) && (found.rotationId === undefined || key?.incarnation === found.rotationId))
        successors.set(search.asked, { replacement: found._id, rotationId });
      else {
        const life = JSON.stringify([found._id, found.rotationId]);
        if (search.passed.has(life)) continue;
        const passed = new Set(search.passed).add(life);
        next.push({ asked: search.asked, keyId: found._id, incarnation: found.rotationId, rotationId, passed });
      }
    }
    searches = next;
  }
  return successors;
}

/** Evidence of rotations is exact. What older flows left may name hundreds of backups for one key: the one that is live counts. */
function chooseEvidence(
  { keyId, incarnation }: Search<EndedLife>,
  evidence: readonly Evidence[],
  isLiveKey: (id: string) => boolean,
): Evidence | undefined {
  const fitting = evidence.filter(
    ({ usedFor, usedForIncarnation, rotationId }) =>
      usedFor === keyId &&
      (rotationId === undefined || incarnation === undefined || usedForIncarnation === incarnation),
  );
  return (
    fitting.find(({ rotationId }) => rotationId !== undefined) ??
    fitting.find(({ _id }) => isLiveKey(_id)) ??
    fitting[0]
  );
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
