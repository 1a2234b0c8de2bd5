import { startReplicaSet, type ProviderName, type ReplicaSet, type SetParameters } from 'mongo-test-replica-set';
import type { Context } from '../report/context.ts';
import { Evidence } from '../report/evidence.ts';
import { createProgress } from '../report/progress.ts';
import { say } from '../report/say.ts';
import { STORM_FAULTS, type StormFault } from '../system/storm-fault.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from '../trial/usage-error.ts';

const MS_PER_SECOND = 1_000;
const DEFAULT_STORE = 'store';

/** What a command works with. */
export interface CommandContext<T extends SystemTypes> extends Context<T> {
  /** Ctrl-C, or nobody reads the output any more. */
  readonly interrupted: AbortSignal;
  /** ISO 8601; names the folder of the result. */
  readonly startedAt: string;
}

/** All are optional: a command has those that it can be told. */
interface ContextOptions {
  /** Seconds. Default: no limit. */
  readonly maxDuration?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly store?: string;
}

export function createContext<T extends SystemTypes>(
  surroundings: Pick<Context<T>, 'system' | 'module' | 'command'>,
  { maxDuration, quiet = false, json = false, store = DEFAULT_STORE }: ContextOptions,
  outputClosed: AbortSignal,
): CommandContext<T> {
  const ctrlC = new AbortController();
  const interrupt = (): void => ctrlC.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const limits = maxDuration === undefined ? [] : [AbortSignal.timeout(maxDuration * MS_PER_SECOND)];
  const interrupted = AbortSignal.any([ctrlC.signal, outputClosed]);
  const startedAt = new Date().toISOString();
  return {
    ...surroundings,
    progress: createProgress(!quiet && !json),
    signal: AbortSignal.any([interrupted, ...limits]),
    interrupted,
    startedAt,
    evidence: new Evidence(store, startedAt, surroundings.system.name),
  };
}

export interface SetOptions {
  readonly members: number;
  readonly provider?: ProviderName;
  /** See `StartOptions`. Default: true. */
  readonly journaledMajority?: boolean;
  /** See `StartOptions`. Default: none. */
  readonly setParameters?: SetParameters;
}

/** A set of one, whose majority writes are cheap: nobody kills its member. */
export const ONE_MEMBER_SET = { members: 1, journaledMajority: false } as const;

/** @throws ReplicaSetError */
export async function startSet<T extends SystemTypes>(
  options: SetOptions,
  { signal, progress }: CommandContext<T>,
): Promise<ReplicaSet> {
  progress.show('starting MongoDB');
  const set = await startReplicaSet({
    members: options.members,
    journaledMajority: options.journaledMajority ?? true,
    setParameters: options.setParameters ?? {},
    signal,
    endOnInterrupt: false,
    onEvent: (event) => progress.show(`starting MongoDB: ${event.provider}`),
    ...(options.provider === undefined ? {} : { provider: options.provider }),
  });
  progress.clear();
  return set;
}

/** So many members can go on without one of them. */
const MIN_DISTURBED_MEMBERS = 3;

/**
 * A set of this command's own, for storms with these faults.
 *
 * @throws ReplicaSetError, UsageError where the user names a set, which is never disturbed
 */
export async function startDisturbedSet<T extends SystemTypes>(
  options: Omit<SetOptions, 'members'>,
  context: CommandContext<T>,
  faults: readonly StormFault[],
): Promise<ReplicaSet> {
  const members = Math.max(MIN_DISTURBED_MEMBERS, ...faults.map((fault) => STORM_FAULTS[fault].minMembers ?? 1));
  const set = await startSet({ ...options, members }, context);
  if (set.provider !== 'uri') return set;
  await set.stop();
  throw neverDisturbed();
}

export const neverDisturbed = (): UsageError =>
  new UsageError('The replica set in MONGODB_URI is never disturbed: unset it for storms with faults.');

/** @param more such as `seed 7` */
export function saySet(set: ReplicaSet, more = ''): void {
  for (const { provider, reason } of set.passedOver) say(`MongoDB not from ${provider}: ${reason}`);
  const members = set.members.length === 1 ? '1 member' : `${set.members.length} members`;
  say(`MongoDB ${set.serverVersion} from ${set.provider}, ${members}, data on ${set.storage}${more}\n`);
}
