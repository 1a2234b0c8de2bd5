import type { Wire } from 'mongo-interleave/gate';
import type { ReplicaSet } from 'mongo-test-replica-set';

/** Where faults are made. */
export interface FaultSite {
  readonly set: ReplicaSet;
  readonly callers: CallerProcesses;
  /** What callers come over, where faults of the network are to be made. */
  readonly wire?: Wire;
  /** The `appName` of the callers' clients, by which the server knows their commands. */
  readonly appName: string;
  /** From 0 up to 1, seeded. */
  readonly random: () => number;
}

/** The processes of callers, by their numbers. */
export interface CallerProcesses {
  readonly numbers: readonly number[];
  /** From now on a part of the callers do not wait for long; `undefined`: no more. */
  setImpatience(impatience: Impatience | undefined): void;
  /** Sends SIGKILL. Resolves when a new process has taken over the calls that were not made yet. */
  kill(process: number): Promise<void>;
  /** Sends SIGSTOP, and SIGCONT when the time is over or the signal fires. */
  freeze(process: number, frozenMs: number, signal: AbortSignal): Promise<void>;
}

/** JSON. */
export interface Impatience {
  /** From 0 up to 1. */
  readonly probability: number;
  readonly minWaitMs: number;
  readonly maxWaitMs: number;
  /** When the time is over, the flow has answered, for it knows of the deadline; or the caller gives up. */
  readonly onEnd: 'answered' | 'given-up';
  readonly seed: number;
}

/** A fault that has found out beforehand all that it needs, so that it begins at once. */
export interface ReadyFault {
  /** What it meets, as in `member 1`. */
  readonly target: string;
  /** The process of callers that it meets. Absent where it meets all of them. */
  readonly process?: number;
  /** It meets calls when they begin, and so has to begin before them. Default: it begins while calls are under way. */
  readonly meetsBegins?: boolean;
  /**
   * Makes it happen. Resolves when all is mended.
   *
   * @param signal ends it early; all is mended then too
   * @returns how many commands it met, where it meets single commands
   */
  readonly run: (signal: AbortSignal) => Promise<number | void>;
}

/** One way in which things go wrong. */
export type FaultMethod = (site: FaultSite) => Promise<ReadyFault>;

export const nameOf = ({ index }: { readonly index: number }): string => `member ${index}`;
