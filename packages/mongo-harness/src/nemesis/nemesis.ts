import type { StormFault } from '../system/storm-fault.ts';
import type { Rounds } from '../trial/trial.ts';
import type { FaultMethod, FaultSite, ReadyFault } from './fault-method.ts';
import { freezeCaller, killCaller } from './disturb-callers.ts';
import { disturbing } from './disturb-wire.ts';
import { commitUnknown, failCommand } from './fail-commands.ts';
import { freezePrimary, freezeSecondaries } from './freeze-members.ts';
import { killBoth, killPrimary, killSecondary } from './kill-members.ts';
import { rollback } from './rollback.ts';
import { stepDown } from './step-down.ts';

const METHODS: Readonly<Record<StormFault, FaultMethod>> = {
  'step-down': stepDown,
  'kill-primary': killPrimary,
  'kill-secondary': killSecondary,
  'kill-both': killBoth,
  'freeze-primary': freezePrimary,
  'freeze-secondaries': freezeSecondaries,
  'fail-command': failCommand,
  'commit-unknown': commitUnknown,
  'kill-caller': killCaller,
  'freeze-caller': freezeCaller,
  rollback,
  'lost-reply': disturbing('lost-reply'),
  reset: disturbing('reset'),
  delay: disturbing('delay'),
  'half-open': disturbing('half-open'),
  'cut-off': disturbing('cut-off'),
};

/**
 * Makes faults while calls are under way: Jepsen's word for the part of a test that does so. Each kind has its turn; what a fault meets
 * and how long it lasts come from the seed.
 */
export class Nemesis {
  readonly #site: Omit<FaultSite, 'random'>;
  readonly #rounds: Pick<Rounds, 'faults' | 'everyMs'>;
  #made = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(site: Omit<FaultSite, 'random'>, rounds: Pick<Rounds, 'faults' | 'everyMs'>) {
    this.#site = site;
    this.#rounds = rounds;
  }

  /** Some kind has not had its turn. */
  get owesFaults(): boolean {
    return this.#made < this.#rounds.faults.length;
  }

  /** What is to go wrong now, or `undefined` while nothing is due. */
  next(): StormFault | undefined {
    const { faults, everyMs } = this.#rounds;
    const kind = faults[this.#made % faults.length];
    const nowMs = performance.now();
    if (kind === undefined || nowMs - this.#lastMs < everyMs) return undefined;
    this.#made++;
    this.#lastMs = nowMs;
    return kind;
  }

  /** Finds out what the fault needs, among callers that are about to begin. @param random seeded */
  prepare(kind: StormFault, random: () => number): Promise<ReadyFault> {
    return METHODS[kind]({ ...this.#site, random });
  }
}
