import type { ReplicaSet } from 'mongo-test-replica-set';

/** Where faults are made. */
export interface FaultSite {
  readonly set: ReplicaSet;
  /** From 0 up to 1, seeded. */
  readonly random: () => number;
}

/** A fault that has found out beforehand all that it needs, so that it begins at once. */
export interface ReadyFault {
  /** What it meets, as in `member 1`. */
  readonly target: string;
  /**
   * Makes it happen. Resolves when all is mended.
   *
   * @param signal ends it early; all is mended then too
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** One way in which things go wrong. */
export type FaultMethod = (site: FaultSite) => Promise<ReadyFault>;

export const nameOf = ({ index }: { readonly index: number }): string => `member ${index}`;
