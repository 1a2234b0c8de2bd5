import { FAILOVER_PARAMETERS, isFailover, type FaultKind } from 'mongo-interleave';
import type { ReplicaSet } from 'mongo-test-replica-set';
import type { SystemTypes } from '../system/system-types.ts';
import type { ExplorationTrial } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';
import { ONE_MEMBER_SET, startSet, type CommandContext, type SetOptions } from './context.ts';

/**
 * For explorations alone: the server keeps no history of documents, which each schedule deletes and inserts again; with five minutes of
 * history, as by default, a schedule takes 1.2 times as long. A storm needs the history, for it reads in snapshots.
 */
const EXPLORING_SET: SetOptions = {
  ...ONE_MEMBER_SET,
  setParameters: { minSnapshotHistoryWindowInSeconds: 0 },
};

/** For explorations with failovers: another member must be there to become the primary. */
const FAILOVER_SET: SetOptions = {
  ...EXPLORING_SET,
  members: 3,
  setParameters: { ...EXPLORING_SET.setParameters, ...FAILOVER_PARAMETERS },
};

type ProviderOption = Pick<SetOptions, 'provider'>;

/** The replica sets of some explorations. */
export interface ExploringSets extends AsyncDisposable {
  /** The one that was started first. */
  readonly set: ReplicaSet;
  /** The explorations that these sets can have: a set that is not ours is not made to fail over. */
  readonly trials: readonly ExplorationTrial[];
  /** The set of an exploration; starts it where it is the first to need one. @throws ReplicaSetError */
  readonly uriOf: (trial: ExplorationTrial) => Promise<string>;
}

/** The explorations that a set which is not ours can have. */
export const withoutFailovers = (trials: readonly ExplorationTrial[]): readonly ExplorationTrial[] =>
  trials.filter((trial) => !hasFailover(trial));

const hasFailover = ({ faults = [] }: Pick<ExplorationTrial, 'faults'>): boolean => faults.some(isFailover);

/** @throws ReplicaSetError; UsageError where none of the explorations can be had */
export async function startExploringSets<T extends SystemTypes>(
  { provider }: ProviderOption,
  trials: readonly ExplorationTrial[],
  context: CommandContext<T>,
): Promise<ExploringSets> {
  const given = provider === undefined ? {} : { provider };
  const plain = withoutFailovers(trials);
  const isMixed = plain.length > 0;
  const set = await startSet({ ...(isMixed ? EXPLORING_SET : FAILOVER_SET), ...given }, context);
  let further: Promise<ReplicaSet> | undefined;
  const end = async (): Promise<void> => {
    await set.stop();
    await (await further?.catch(() => undefined))?.stop();
  };
  if (set.provider === 'uri' && !isMixed) {
    await end();
    throw neverDisturbed(trials.flatMap(({ faults = [] }) => faults));
  }
  return {
    set,
    trials: set.provider === 'uri' ? plain : trials,
    uriOf: async (trial) => {
      if (!isMixed || !hasFailover(trial)) return set.uri;
      further ??= startSet({ ...FAILOVER_SET, ...given }, context);
      return (await further).uri;
    },
    [Symbol.asyncDispose]: end,
  };
}

/** @param faults of the schedule that is to be run @throws ReplicaSetError; UsageError */
export async function startReplaySet<T extends SystemTypes>(
  { provider }: ProviderOption,
  faults: readonly (FaultKind | undefined)[],
  context: CommandContext<T>,
): Promise<ReplicaSet> {
  const given = provider === undefined ? {} : { provider };
  const set = await startSet({ ...(faults.some(isFailover) ? FAILOVER_SET : EXPLORING_SET), ...given }, context);
  if (set.provider !== 'uri' || !faults.some(isFailover)) return set;
  await set.stop();
  throw neverDisturbed(faults);
}

const neverDisturbed = (faults: readonly (FaultKind | undefined)[]): UsageError =>
  new UsageError(
    `${faults.find(isFailover)} makes a primary step down, and the replica set in MONGODB_URI is never disturbed: unset it.`,
  );
