import { kindsOf, STORM_FAULTS, type FaultLane, type FaultStep, type StormFault } from '../system/storm-fault.ts';
import type { Rounds } from '../trial/trial.ts';
import type { FaultMethod, FaultSite, ReadyFault } from './fault-method.ts';
import { abort, tinyDeadline } from './disturb-calls.ts';
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
  abort,
  'tiny-deadline': tinyDeadline,
  'lost-reply': disturbing('lost-reply'),
  reset: disturbing('reset'),
  delay: disturbing('delay'),
  'half-open': disturbing('half-open'),
  'cut-off': disturbing('cut-off'),
};

/** A fault lasts for some time, and others wait for it: where they are to come sooner than that, a round has no more of them all the same. */
const MIN_APART_MS = 1_500;

/**
 * Makes faults while calls are under way: Jepsen's word for the part of a test that does so. Each kind has its turn; what a fault meets
 * and how long it lasts come from the seed.
 */
export class Nemesis {
  readonly #site: Omit<FaultSite, 'random'>;
  readonly #rounds: Omit<Rounds, 'faults' | 'goOn'>;
  /** In the order of their turns. */
  readonly #queue: FaultStep[];
  /** Those that have not had their turn. */
  readonly #owed: Set<FaultStep>;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(site: Omit<FaultSite, 'random'>, rounds: Omit<Rounds, 'goOn'>) {
    this.#site = site;
    this.#rounds = rounds;
    this.#queue = [...rounds.faults];
    this.#owed = new Set(rounds.faults);
  }

  /** Some kind has not had its turn. */
  get owesFaults(): boolean {
    return this.#owed.size > 0;
  }

  /** So many steps belong to the round that begins now; none while nothing is due. */
  stepsOfRound(): number {
    const { forMs, everyMs, roundMs, maxSteps = Infinity } = this.#rounds;
    if (this.#queue.length === 0 || performance.now() - this.#lastMs < everyMs) return 0;
    const inTime = Math.max(1, Math.floor(roundMs / Math.max(everyMs, MIN_APART_MS)));
    return Math.min(inTime, maxSteps, Math.max(this.#owed.size, Math.ceil(forMs / everyMs)));
  }

  /**
   * What goes wrong next: the first in the order of turns that meets nothing that is disturbed already. The others keep their turns.
   *
   * @param disturbed where faults still last @returns `undefined` when one of these must be over first
   */
  next(disturbed: ReadonlySet<FaultLane>): FaultStep | undefined {
    const index = this.#queue.findIndex((step) =>
      kindsOf(step).every((kind) => !disturbed.has(STORM_FAULTS[kind].lane)),
    );
    if (index === -1) return undefined;
    const [step] = this.#queue.splice(index, 1);
    if (step === undefined) return undefined;
    this.#queue.push(step);
    this.#owed.delete(step);
    this.#lastMs = performance.now();
    return step;
  }

  /** Finds out what the fault needs, among callers that are about to begin. @param random seeded */
  prepare(kind: StormFault, random: () => number): Promise<ReadyFault> {
    return METHODS[kind]({ ...this.#site, random });
  }
}
