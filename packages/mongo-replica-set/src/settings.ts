import { homedir } from 'node:os';
import { join } from 'node:path';
import { ReplicaSetError } from './replica-set-error.ts';
import { providerNames, type PassedOver, type ProviderName } from './replica-set.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Values for `--setParameter`. */
export type SetParameters = Readonly<Record<string, string | number | boolean>>;

/** What happens during a start, for progress output. */
export type StartEvent =
  { readonly kind: 'trying'; readonly provider: ProviderName } | ({ readonly kind: 'passed-over' } & PassedOver);

export interface StartOptions {
  /** 1 to 7 mongods, all of them voting. Default 3. A given URI keeps the members it has. */
  members?: number;
  /** Use this provider or fail. Default: try all, in the order `uri`, `binary`, `docker`, `download`, `wheel`. */
  provider?: ProviderName;
  /** Merged over {@link defaultSetParameters}. Not applied to a given URI. */
  setParameters?: SetParameters;
  /** Aborts the start; the set that was half up is gone when the promise rejects with code `aborted`. */
  signal?: AbortSignal;
  /**
   * `false` sets `writeConcernMajorityJournalDefault: false`: a majority write is acknowledged before it is in a
   * journal, which halves its time, and a killed member may lose it. Only for sets of which nobody kills a member.
   * Default true. Not applied to a given URI.
   */
  journaledMajority?: boolean;
  /**
   * True (default): on SIGINT, SIGTERM and SIGHUP the set is ended at once and the signal then takes its normal course.
   * False: the host handles these signals itself and calls `stop()`. An exit ends the set either way.
   */
  endOnInterrupt?: boolean;
  /** Called as the start goes along. */
  onEvent?: (event: StartEvent) => void;
  /** Docker image, default `mongo:8` (environment: MONGO_REPLICA_SET_IMAGE). */
  image?: string;
  /**
   * Read once, here: MONGODB_URI, MONGOD, MONGO_REPLICA_SET_IMAGE, XDG_CACHE_HOME, PATH, and what pip and Docker read.
   * Default `process.env`.
   */
  environment?: Environment;
}

/** Options and environment, checked and complete. */
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

/** What every mongod of ours is started with. */
export const defaultSetParameters: SetParameters = {
  // Fail points; only at start-up.
  enableTestCommands: 1,
  // A client that dies inside a transaction frees its documents after 3 s instead of 60.
  transactionLifetimeLimitSeconds: 3,
  // Two background threads that only cost time and determinism.
  ttlMonitorEnabled: false,
  diagnosticDataCollectionEnabled: false,
  // When the parent was killed, mongod gets a SIGTERM; a primary would otherwise linger for 15 s.
  shutdownTimeoutMillisForSignaledShutdown: 100,
};

const mostMembers = 7;

/** @throws ReplicaSetError `invalid-option` */
export function readSettings(options: StartOptions): Settings {
  const environment = options.environment ?? process.env;
  const members = options.members ?? 3;
  if (!Number.isInteger(members) || members < 1 || members > mostMembers) {
    throw new ReplicaSetError('invalid-option', `members is an integer from 1 to ${mostMembers}, not ${members}.`);
  }
  if (options.provider !== undefined && !providerNames.includes(options.provider)) {
    const known = providerNames.join(', ');
    throw new ReplicaSetError('invalid-option', `There is no provider "${options.provider}"; there are: ${known}.`);
  }
  for (const name of Object.keys(options.setParameters ?? {})) {
    if (!/^[A-Za-z0-9_.]+$/.test(name)) {
      throw new ReplicaSetError('invalid-option', `"${name}" is no name of a server parameter.`);
    }
  }
  return {
    members,
    provider: options.provider,
    setParameters: { ...defaultSetParameters, ...options.setParameters },
    signal: options.signal,
    journaledMajority: options.journaledMajority ?? true,
    endOnInterrupt: options.endOnInterrupt ?? true,
    onEvent: options.onEvent ?? (() => undefined),
    image: options.image ?? nonEmpty(environment['MONGO_REPLICA_SET_IMAGE']) ?? 'mongo:8',
    uri: nonEmpty(environment['MONGODB_URI']),
    mongod: nonEmpty(environment['MONGOD']),
    cacheFolder: join(cacheHome(environment), 'mongo-replica-set'),
    environment,
  };
}

function cacheHome(environment: Environment): string {
  return nonEmpty(environment['XDG_CACHE_HOME']) ?? join(nonEmpty(environment['HOME']) ?? homedir(), '.cache');
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
