import { startReplicaSet, type ProviderName, type ReplicaSet } from 'mongo-replica-set';
import { createProgress, type Progress } from '../report/progress.ts';
import { say } from '../report/say.ts';

const MS_PER_SECOND = 1_000;

/** What ends a command early, and where it shows how far it is. */
export interface CommandContext {
  readonly progress: Progress;
  /** Ctrl-C, or the time limit. */
  readonly signal: AbortSignal;
  /** Ctrl-C alone. */
  readonly interrupted: AbortSignal;
}

interface ContextOptions {
  /** Seconds. */
  readonly timeLimit: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function createContext({ timeLimit, quiet = false, json = false }: ContextOptions): CommandContext {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return {
    progress: createProgress(!quiet && !json),
    signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(timeLimit * MS_PER_SECOND)]),
    interrupted: interrupted.signal,
  };
}

interface SetOptions {
  readonly members: number;
  readonly provider?: ProviderName;
  /** See `StartOptions`. Default true. */
  readonly journaledMajority?: boolean;
}

/** A set of one, whose majority writes are cheap: nobody kills its member. */
export const exploringSet = { members: 1, journaledMajority: false } as const;

/** @throws ReplicaSetError */
export async function startSet(options: SetOptions, { signal, progress }: CommandContext): Promise<ReplicaSet> {
  progress.show('starting MongoDB');
  const set = await startReplicaSet({
    members: options.members,
    journaledMajority: options.journaledMajority ?? true,
    signal,
    endOnInterrupt: false,
    onEvent: (event) => progress.show(`starting MongoDB: ${event.provider}`),
    ...(options.provider === undefined ? {} : { provider: options.provider }),
  });
  progress.clear();
  return set;
}

/** @param more such as `seed 7` */
export function saySet(set: ReplicaSet, more = ''): void {
  for (const { provider, reason } of set.passedOver) say(`MongoDB not from ${provider}: ${reason}`);
  const members = set.members.length === 1 ? '1 member' : `${set.members.length} members`;
  say(`MongoDB ${set.serverVersion} from ${set.provider}, ${members}, data on ${set.storage}${more}\n`);
}
