import type { ReplicaSet } from 'mongo-test-replica-set';
import type { StormFault } from '../trial/storm-fault.ts';
import type { Rounds } from '../trial/trial.ts';
import type { FaultMethod, ReadyFault } from './fault-method.ts';
import { killPrimary } from './kill-members.ts';
import { stepDown } from './step-down.ts';

const METHODS: Readonly<Record<StormFault, FaultMethod>> = {
  'step-down': stepDown,
  'kill-primary': killPrimary,
};

/** A fault that is ready to begin, with its name. */
export interface NextFault extends ReadyFault {
  readonly kind: StormFault;
}

/**
 * Makes faults while calls are under way: Jepsen's word for the part of a test that does so. Each kind has its turn; what a fault meets
 * and how long it lasts come from the seed.
 */
export class Nemesis {
  readonly #set: ReplicaSet;
  readonly #rounds: Pick<Rounds, 'faults' | 'everyMs'>;
  #made = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(set: ReplicaSet, rounds: Pick<Rounds, 'faults' | 'everyMs'>) {
    this.#set = set;
    this.#rounds = rounds;
  }

  /** The next fault, or `undefined` while it is not due. @param random seeded */
  async next(random: () => number): Promise<NextFault | undefined> {
    const { faults, everyMs } = this.#rounds;
    const kind = faults[this.#made % faults.length];
    const nowMs = performance.now();
    if (kind === undefined || nowMs - this.#lastMs < everyMs) return undefined;
    this.#made++;
    this.#lastMs = nowMs;
    return { kind, ...(await METHODS[kind]({ set: this.#set, random })) };
  }
}
