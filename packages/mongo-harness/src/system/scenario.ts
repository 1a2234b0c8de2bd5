import type { SystemTypes } from './system-types.ts';

/** A start state and the calls of its clients, in one or two sizes. */
export interface Scenario<T extends SystemTypes> {
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** The sizes that `storm` reads beside `callers`; each becomes an option of the command line. Default: none. */
  readonly sizes?: readonly SizeOption[];
  /** The large form, for hundreds of free-running callers. @param random from 0 up to 1, seeded */
  readonly storm?: (size: Size, random: () => number) => StormPlan<T>;
  /**
   * The small form, for every interleaving.
   *
   * @param callers clients that call
   * @param shares a further caller comes in the first client, to share with that client's own caller what can be shared
   */
  readonly gated?: (callers: number, shares: boolean) => GatedPlan<T>;
  /** Some calls are an operator's, in the small form those of the last client: the flow must be one that `operates`. Default: false. */
  readonly hasOperator?: boolean;
}

/** `--<name> <count>` on the command line. */
export interface SizeOption {
  readonly name: string;
  readonly about: string;
  /** Default: 1. */
  readonly min?: number;
}

/** How large a storm is, by name; an absent size means the scenario's default. */
export type Size = Readonly<Partial<Record<string, number>>>;

export interface StormPlan<T extends SystemTypes> {
  readonly start: T['start'];
  readonly calls: readonly PlannedCall<T>[];
  /** Codes of `error` answers that the damage in the start state explains. Default: none. */
  readonly expectedErrors?: readonly string[];
}

/** JSON. */
export interface PlannedCall<T extends SystemTypes> {
  readonly caller: number;
  readonly call: T['call'];
  /** Waits until half of its process's other calls have been answered. Default: false. */
  readonly late?: boolean;
  /** How often the caller goes on with the call that `System.next` makes of its answer. Default: 0. */
  readonly follow?: number;
}

/** What each client does; a client stands for a process. */
export interface GatedPlan<T extends SystemTypes> {
  readonly start: T['start'];
  readonly clients: readonly ClientPlan<T>[];
}

/** All calls at once, or those of an operator one after the other. */
export type ClientPlan<T extends SystemTypes> =
  { readonly calls: readonly PlannedCall<T>[] } | { readonly operator: readonly T['call'][] };
