import { beganAt, isLive, type Predecessor, type StoredKey } from '../documents.ts';
import { findDoubtfulKeys } from './doubtful-keys.ts';
import type { Steps } from './steps/index.ts';
import type { Evidence } from './steps/read-evidence.ts';
import type { Transaction } from './transaction.ts';

/** An incarnation of a key that is not live any more. */
export interface EndedIncarnation {
  readonly keyId: string;
  /** Undefined stands for the latest incarnation that there is evidence of. */
  readonly incarnation: string | undefined;
  /** When the incarnation began, if that is known. An older flow's claim before that time was made for an earlier incarnation. */
  readonly begunAt?: Date | undefined;
}

/** The live key at the end of a chain of replacements. */
export interface Successor {
  /** The id of that key. */
  readonly replacement: string;
  /** The rotation that replaced the asked key itself; undefined if an older flow replaced it. */
  readonly rotationId: string | undefined;
}

/** An incarnation that replaced another one. */
interface Link extends EndedIncarnation {
  /** `doubtful`: live, unless an older flow replaced it and kept it without `replacedBy`; then the chain goes on. */
  readonly state: 'live' | 'doubtful' | 'gone';
}

/** An incarnation on the chain, with the rotation that replaced the asked key itself. */
type Reached<L extends EndedIncarnation> = L & { readonly rotationId: string | undefined };

/** How far one chain has been followed. A chain forks where an older flow claimed several backups for one key. */
interface Search<T> {
  readonly asked: T;
  /** The incarnations reached by the last hop. */
  readonly ends: readonly Reached<EndedIncarnation>[];
  /** All incarnations reached so far. The claims of older flows can form a circle. */
  readonly passed: ReadonlySet<string>;
  /** The last doubtful link; it is the end of the chain if no live key comes after it. */
  readonly doubtful: Reached<Link> | undefined;
  /** Keys were asked for that name the end of the chain among their predecessors. */
  readonly hasHeirs: boolean;
}

/**
 * Finds the successor of each ended incarnation: follows k1 -> b1 -> b2, where b1 was itself replaced, up to a live key. Where a claim is
 * missing, because jobs delete used backups and operators restore them, the chain goes on with the key that names its predecessors. All
 * claims are read in the transaction's snapshot, so that the result was true at one instant. It is durable once the transaction
 * is committed with write concern majority.
 *
 * @returns the successors; an incarnation without a successor has no entry.
 */
export async function followEvidence<T extends EndedIncarnation>(
  transaction: Transaction,
  ended: readonly T[],
  steps: Steps,
): Promise<Map<T, Successor>> {
  const successors = new Map<T, Successor>();
  const answer = (asked: T, { keyId, rotationId }: Reached<Link>) =>
    successors.set(asked, { replacement: keyId, rotationId });

  let searches = ended.map((asked): Search<T> => {
    const { keyId, incarnation, begunAt } = asked;
    const start = { keyId, incarnation, begunAt, rotationId: undefined };
    return { asked, ends: [start], passed: new Set(), doubtful: undefined, hasHeirs: false };
  });
  // Each hop reaches an incarnation that was not seen before, or ends the search.
  for (let hop = 0; searches.length > 0; hop++) {
    const linksAfter = await readNextLinks(
      transaction,
      searches.flatMap(({ ends }) => ends),
      steps,
    );
    const next: Search<T>[] = [];
    const stuck: Search<T>[] = [];
    for (const search of searches) {
      const reached = search.ends.flatMap(({ rotationId, ...incarnation }) =>
        linksAfter(incarnation).map((link) => ({ ...link, rotationId: hop === 0 ? link.incarnation : rotationId })),
      );
      const live = reached.find(({ state }) => state === 'live');
      const doubtful = reached.find(({ state }) => state === 'doubtful') ?? search.doubtful;
      const unseen = reached.filter((link) => !search.passed.has(identityOf(link)));
      if (live !== undefined) answer(search.asked, live);
      else if (unseen.length > 0) next.push(goOn(search, unseen, doubtful));
      else if (doubtful !== undefined) answer(search.asked, doubtful);
      else if (!search.hasHeirs) stuck.push(search);
    }
    const heirsOf = await readHeirs(transaction, stuck, steps);
    for (const search of stuck) {
      const heirs = heirsOf(search);
      const live = heirs.find(({ state }) => state === 'live');
      if (live !== undefined) answer(search.asked, live);
      else if (heirs.length > 0) next.push({ ...goOn(search, heirs, heirs[0]), hasHeirs: true });
    }
    searches = next;
  }
  return successors;
}

const goOn = <T>(
  search: Search<T>,
  ends: readonly Reached<Link>[],
  doubtful: Reached<Link> | undefined,
): Search<T> => ({
  ...search,
  ends,
  passed: new Set([...search.passed, ...ends.map(identityOf)]),
  doubtful,
});

/** Reads the keys that name the asked incarnation, or one that a search has come to, among their predecessors. */
async function readHeirs<T extends EndedIncarnation>(
  transaction: Transaction,
  stuck: readonly Search<T>[],
  steps: Steps,
): Promise<(search: Search<T>) => readonly Reached<Link>[]> {
  if (stuck.length === 0) return () => [];
  const endsOf = ({ asked, ends }: Search<T>): readonly EndedIncarnation[] => [asked, ...ends];
  const heirs = await steps.readHeirs(transaction, unique(stuck.flatMap(endsOf).map(({ keyId }) => keyId)));
  const keys = new Map([...heirs].map(([id, { key }]) => [id, key]));
  const doubtful = await findDoubtfulKeys(transaction, keys, steps);
  return (search) =>
    [...heirs]
      .flatMap(([keyId, { key, predecessors }]) => {
        const predecessor = predecessors.findLast((one) => endsOf(search).some((end) => isSame(one, end)));
        return predecessor === undefined ? [] : [{ keyId, key, predecessor, at: key.createdAt?.getTime() ?? 0 }];
      })
      // The latest incarnation is asked for where none is named.
      .toSorted((one, other) => other.at - one.at)
      .map(({ keyId, key, predecessor }) => {
        const [end] = search.ends;
        const isAsked = predecessor.keyId === search.asked.keyId;
        return {
          keyId,
          incarnation: key.incarnation ?? undefined,
          begunAt: doubtful.has(keyId) ? beganAt(key) : undefined,
          state: doubtful.has(keyId) ? 'doubtful' : 'live',
          rotationId: isAsked ? predecessor.rotationId : end?.rotationId,
        };
      });
}

const isSame = (predecessor: Predecessor, { keyId, incarnation }: EndedIncarnation): boolean =>
  predecessor.keyId === keyId && (incarnation === undefined || incarnation === predecessor.incarnation);

/** Reads what the next hop of all searches needs. @returns a function that gives the links after an incarnation. */
async function readNextLinks(
  transaction: Transaction,
  ended: readonly EndedIncarnation[],
  steps: Steps,
): Promise<(incarnation: EndedIncarnation) => readonly Link[]> {
  const evidence = await steps.readEvidence(transaction, unique(ended.map(({ keyId }) => keyId)));
  if (evidence.length === 0) return () => [];
  const keys = await steps.readKeys(transaction, unique(evidence.map(({ backupId }) => backupId)));
  const doubtful = await findDoubtfulKeys(transaction, keys, steps);
  const evidenceOf = Map.groupBy(evidence, ({ usedFor }) => usedFor);

  const stateOf = (id: string, key: StoredKey | undefined, rotationId: string | undefined): Link['state'] => {
    // A rotation began the replacement's incarnation. A key that was inserted later under the same id replaced nothing.
    if (key === undefined || !isLive(key) || (rotationId !== undefined && key.incarnation !== rotationId))
      return 'gone';
    return doubtful.has(id) ? 'doubtful' : 'live';
  };
  return (incarnation) =>
    chooseEvidence(incarnation, evidenceOf.get(incarnation.keyId) ?? []).map(({ backupId, rotationId }) => {
      const key = keys.get(backupId);
      const state = stateOf(backupId, key, rotationId);
      const begunAt = key !== undefined && state === 'doubtful' ? beganAt(key) : undefined;
      return { keyId: backupId, incarnation: rotationId, begunAt, state };
    });
}

/**
 * Chooses the claims that may have replaced an incarnation. A rotation's claim names the incarnation. An older flow's claim names
 * only the key: of the backups that such flows claimed for one key, hundreds maybe, any may have become its replacement.
 */
function chooseEvidence(
  { incarnation, begunAt }: EndedIncarnation,
  evidence: readonly Evidence[],
): readonly Evidence[] {
  const exact = evidence.find(
    ({ rotationId, usedForIncarnation }) =>
      rotationId !== undefined && (incarnation === undefined || usedForIncarnation === incarnation),
  );
  if (exact !== undefined) return [exact];
  return evidence.filter(
    ({ rotationId, usedAt }) =>
      rotationId === undefined && !(begunAt !== undefined && usedAt instanceof Date && usedAt < begunAt),
  );
}

const identityOf = ({ keyId, incarnation }: EndedIncarnation): string => JSON.stringify([keyId, incarnation]);

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
