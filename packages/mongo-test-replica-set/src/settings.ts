import { homedir } from 'node:os';
import { join } from 'node:path';
import { ReplicaSetError } from './replica-set-error.ts';
import { PROVIDER_NAMES, type PassedOver, type ProviderName } from './replica-set.ts';

/** Environment variables by name, like `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Server parameters by name, for `--setParameter`. */
export type SetParameters = Readonly<Record<string, string | number | boolean>>;

/** Progress of a start: a provider is tried, or can't be used. */
export type StartEvent =
  { readonly kind: 'trying'; readonly provider: ProviderName } | ({ readonly kind: 'passed-over' } & PassedOver);

export interface StartOptions {
  /** Number of members, 1 to 7, all of them voting. Default 3. Not applied to a given URI. */
  members?: number;
  /** The only provider to try. Default: all, in the order `uri`, `binary`, `docker`, `download`, `wheel`. */
  provider?: ProviderName;
  /** Merged over {@link DEFAULT_SET_PARAMETERS}. Not applied to a given URI. */
  setParameters?: SetParameters;
  /**
   * Aborts the start. When the promise rejects with code `aborted`, processes, container and data of the half-started
   * set are gone.
   */
  signal?: AbortSignal;
  /**
   * `false` sets `writeConcernMajorityJournalDefault: false`: a majority write is acknowledged before it is in the
   * journal. This halves the time of a write, but a killed member may lose an acknowledged write, so use it only if no
   * member is killed. Default true. Not applied to a given URI.
   */
  journaledMajority?: boolean;
  /**
   * True: SIGINT, SIGTERM and SIGHUP to this process stop the set at once, and the signal then has its usual effect.
   * False: the host handles these signals itself and calls `stop()`. An exit of the process stops the set either way.
   * Default true.
   */
  endOnInterrupt?: boolean;
  /** Called synchronously on each step of the start. */
  onEvent?: (event: StartEvent) => void;
  /** Image of the `docker` provider. Default: MONGO_TEST_REPLICA_SET_IMAGE of the environment, else `mongo:8`. */
  image?: string;
  /**
   * Environment variables, default `process.env`. Read are MONGODB_URI, MONGOD, MONGO_TEST_REPLICA_SET_IMAGE,
   * XDG_CACHE_HOME, HOME, PATH, XDG_RUNTIME_DIR, DOCKER_HOST, the proxy variables, and all that pip reads.
   */
  environment?: Environment;
}

/** Options and environment, validated and with defaults. */
export interface Settings {
  readonly members: number;
  readonly provider: ProviderName | undefined;
  readonly setParameters: SetParameters;
  readonly signal: AbortSignal | undefined;
  readonly journaledMajority: boolean;
  readonly endOnInterrupt: boolean;
  readonly onEvent: (event: StartEvent) => void;
  readonly image: string;
  readonly uri: string | undefined;
  readonly mongod: string | undefined;
  readonly cacheFolder: string;
  readonly environment: Environment;
}

/** Server parameters of every member that this package starts. */
export const DEFAULT_SET_PARAMETERS: SetParameters = {
  // Allows fail points; can be set at start-up only.
  enableTestCommands: 1,
  // After a client has died in a transaction, the server releases its documents after 3 s instead of 60.
  transactionLifetimeLimitSeconds: 3,
  // Background threads that cost time and determinism.
  ttlMonitorEnabled: false,
  diagnosticDataCollectionEnabled: false,
  // A mongod whose parent was killed gets a SIGTERM; a primary would take 15 s to end by default.
  shutdownTimeoutMillisForSignaledShutdown: 100,
};

const MAX_MEMBERS = 7;

/** @throws ReplicaSetError `invalid-option` */
export function readSettings(options: StartOptions): Settings {
  const environment = options.environment ?? process.env;
  const members = options.members ?? 3;
  if (!Number.isInteger(members) || members < 1 || members > MAX_MEMBERS) {
    throw new ReplicaSetError('invalid-option', `members is an integer from 1 to ${MAX_MEMBERS}, not ${members}.`);
  }
  if (options.provider !== undefined && !PROVIDER_NAMES.includes(options.provider)) {
    const known = PROVIDER_NAMES.join(', ');
    throw new ReplicaSetError('invalid-option', `There is no provider "${options.provider}"; there are: ${known}.`);
  }
  for (const name of Object.keys(options.setParameters ?? {})) {
    if (!/^[A-Za-z0-9_.]+$/.test(name)) {
      throw new ReplicaSetError('invalid-option', `"${name}" is not a valid name of a server parameter.`);
    }
  }
  return {
    members,
    provider: options.provider,
    setParameters: { ...DEFAULT_SET_PARAMETERS, ...options.setParameters },
    signal: options.signal,
    journaledMajority: options.journaledMajority ?? true,
    endOnInterrupt: options.endOnInterrupt ?? true,
    onEvent: options.onEvent ?? (() => undefined),
    image: options.image ?? nonEmpty(environment['MONGO_TEST_REPLICA_SET_IMAGE']) ?? 'mongo:8',
    uri: nonEmpty(environment['MONGODB_URI']),
    mongod: nonEmpty(environment['MONGOD']),
    cacheFolder: join(cacheHome(environment), 'mongo-test-replica-set'),
    environment,
  };
}

function cacheHome(environment: Environment): string {
  return nonEmpty(environment['XDG_CACHE_HOME']) ?? join(nonEmpty(environment['HOME']) ?? homedir(), '.cache');
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
