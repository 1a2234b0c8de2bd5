import { isLive, type KeyDocument } from './documents.ts';
import { findDoubtfulKeys } from './doubtful-keys.ts';
import type { Transaction } from './rotation.ts';
import type { Evidence } from './steps/read-evidence.ts';
import type { Steps } from './steps/index.ts';

/** A life of a key that is not live any more. */
export interface EndedLife {
  readonly keyId: string;
  /** Without it the latest life that is known is meant. */
  readonly incarnation: string | undefined;
  /** When it began, where that is known: an older flow's claim before that was made for an earlier life. */
  readonly begunAt?: Date | undefined;
}

export interface Successor {
  /** The live key at the end of the chain. */
  readonly replacement: string;
  /** The rotation that replaced the asked key itself; missing where an older flow did it. */
  readonly rotationId: string | undefined;
}

/** A chain of replacements longer than this is not followed to its end. */
const CHAIN_LIMIT = 1_000;

/** A life that one rotation put in the place of another. */
interface Link extends EndedLife {
  /** `doubtful`: live, unless an older flow replaced it and kept it without a mark; then the chain goes on. */
  readonly state: 'live' | 'doubtful' | 'gone';
}

/** A life that the chain reached, with the rotation that replaced the asked key itself. */
type Reached<L extends EndedLife> = L & { readonly rotationId: string | undefined };

/** The chain forks where an older flow left several backups for one key; one of them leads on. */
interface Search<T> {
  readonly asked: T;
  readonly ends: readonly Reached<EndedLife>[];
  /** Lives that were passed. What older flows left can go round in a circle. */
  readonly passed: ReadonlySet<string>;
  /** The last doubtful link: the end, where nothing follows it. */
  readonly doubtful: Reached<Link> | undefined;
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
  const end = (asked: T, { keyId, rotationId }: Reached<Link>) =>
    successors.set(asked, { replacement: keyId, rotationId });

  let searches = lives.map((asked): Search<T> => {
    const { keyId, incarnation, begunAt } = asked;
    const start = { keyId, incarnation, begunAt, rotationId: undefined };
    return { asked, ends: [start], passed: new Set(), doubtful: undefined };
  });
  for (let hop = 0; searches.length > 0 && hop < CHAIN_LIMIT; hop++) {
    const follow = await readNextLinks(
      transaction,
      searches.flatMap(({ ends }) => ends),
      steps,
    );
    const next: Search<T>[] = [];
    for (const search of searches) {
      const reached = search.ends.flatMap(({ rotationId, ...life }) =>
        follow(life).map((link) => ({ ...link, rotationId: hop === 0 ? link.incarnation : rotationId })),
      );
      const live = reached.find(({ state }) => state === 'live');
      const doubtful = reached.find(({ state }) => state === 'doubtful') ?? search.doubtful;
      const unseen = reached.filter((link) => !search.passed.has(nameOf(link)));
      if (live !== undefined) end(search.asked, live);
      else if (unseen.length > 0)
        next.push({
          asked: search.asked,
          ends: unseen,
          passed: new Set([...search.passed, ...unseen.map(nameOf)]),
          doubtful,
        });
      else if (doubtful !== undefined) end(search.asked, doubtful);
    }
    searches = next;
  }
  return successors;
}

/** Reads what the next hop of all the searches needs. @returns a function that gives the links after one. */
async function readNextLinks(
  transaction: Transaction,
  lives: readonly EndedLife[],
  steps: Steps,
): Promise<(life: EndedLife) => readonly Link[]> {
  const evidence = await steps.readEvidence(transaction, unique(lives.map(({ keyId }) => keyId)));
  if (evidence.length === 0) return () => [];
  const keys = await steps.readKeys(transaction, unique(evidence.map(({ _id }) => _id)));
  const doubtful = await findDoubtfulKeys(transaction, [...keys.values()], steps);
  const evidenceOf = new Map<unknown, Evidence[]>();
  for (const one of evidence) {
    const sameKey = evidenceOf.get(one.usedFor);
    if (sameKey === undefined) evidenceOf.set(one.usedFor, [one]);
    else sameKey.push(one);
  }

  const stateOf = (key: KeyDocument | undefined, rotationId: string | undefined): Link['state'] => {
    // The replacement's own life began with the rotation; the same id in a later life is not the one we look for.
    if (key === undefined || !isLive(key) || (rotationId !== undefined && key.incarnation !== rotationId))
      return 'gone';
    return doubtful.has(key._id) ? 'doubtful' : 'live';
  };
  return (life) =>
    chooseEvidence(life, evidenceOf.get(life.keyId) ?? []).map(({ _id, rotationId }) => {
      const key = keys.get(_id);
      const state = stateOf(key, rotationId);
      return { keyId: _id, incarnation: rotationId, begunAt: state === 'doubtful' ? key?.createdAt : undefined, state };
    });
}

/** Evidence of rotations is exact. Of what older flows left for a key, hundreds of backups maybe, any may have served. */
function chooseEvidence({ incarnation, begunAt }: EndedLife, evidence: readonly Evidence[]): readonly Evidence[] {
  const exact = evidence.find(
    ({ rotationId, usedForIncarnation }) =>
      rotationId !== undefined && (incarnation === undefined || usedForIncarnation === incarnation),
  );
  if (exact !== undefined) return [exact];
  return evidence.filter(
    ({ rotationId, usedAt }) =>
      rotationId === undefined && !(begunAt instanceof Date && usedAt instanceof Date && usedAt < begunAt),
  );
}

const nameOf = ({ keyId, incarnation }: EndedLife): string => JSON.stringify([keyId, incarnation]);

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
