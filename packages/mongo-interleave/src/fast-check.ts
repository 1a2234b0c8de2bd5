import { Arbitrary, stream, Value, type Random, type Stream } from 'fast-check';
import type { PlannedFault, Schedule, Switch } from './schedule/outline.ts';
import type { FaultKind } from './schedule/token.ts';
import { simplerSchedules } from './strategy/simpler-schedules.ts';

/** Bounds of random schedules. */
export interface ScheduleConstraints {
  /** Number of clients of the scenario, 1 to 26. */
  readonly clients: number;
  /** About how many commands each client sends. Switches and faults are placed among the first `commands` commands. Default 10. */
  readonly commands?: number;
  /** Most switches from one client to another. Default 6. */
  readonly maxSwitches?: number;
  /** The kinds of faults. Default: no faults. */
  readonly faults?: readonly FaultKind[];
  /** Most faults in a schedule. Default 1. */
  readonly maxFaults?: number;
}

/**
 * An arbitrary of schedules for `InterleaveSession.run`. A failing schedule shrinks to fewer switches, then to fewer clients, then to fewer
 * faults. Seed and path replay it like any other counterexample.
 */
export const schedules = (constraints: ScheduleConstraints): Arbitrary<Schedule> => new ScheduleArbitrary(constraints);

class ScheduleArbitrary extends Arbitrary<Schedule> {
  readonly #constraints: Required<ScheduleConstraints>;

  constructor(constraints: ScheduleConstraints) {
    super();
    this.#constraints = { commands: 10, maxSwitches: 6, faults: [], maxFaults: 1, ...constraints };
  }

  generate(random: Random): Value<Schedule> {
    const { clients, commands, maxSwitches, faults, maxFaults } = this.#constraints;
    const below = (limit: number): number => random.nextInt(0, limit - 1);
    const place = (): Pick<Switch, 'client' | 'after'> => ({ client: below(clients), after: below(commands) });
    const times = <E>(limit: number, make: () => E): E[] => Array.from({ length: below(limit + 1) }, make);
    const order = Array.from({ length: clients }, (_, client) => ({ client, at: random.nextInt() }));
    const schedule: Schedule = {
      clients: order.toSorted((one, other) => one.at - other.at).map(({ client }) => client),
      switches: times(clients > 1 ? maxSwitches : 0, () => {
        const from = place();
        return { ...from, to: (from.client + 1 + below(clients - 1)) % clients };
      }),
      faults: times(faults.length > 0 ? maxFaults : 0, (): PlannedFault => ({
        ...place(),
        kind: faults[below(faults.length)] ?? 'crash',
      })),
    };
    return new Value(schedule, undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Schedule {
    return typeof value === 'object' && value !== null && 'switches' in value;
  }

  /** @param context the schedules that shrinking has tried so far, as text; none of them failed */
  shrink(schedule: Schedule, context: unknown): Stream<Value<Schedule>> {
    const tried = context instanceof Set ? new Set<unknown>(context) : new Set<unknown>();
    return stream(candidates());

    function* candidates(): Generator<Value<Schedule>> {
      for (const candidate of simplerSchedules(schedule)) {
        const text = JSON.stringify(candidate);
        if (tried.has(text)) continue;
        tried.add(text);
        yield new Value(candidate, tried);
      }
    }
  }
}
