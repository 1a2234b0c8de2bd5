import { Arbitrary, stream, Value, type Random, type Stream } from 'fast-check';
import { simpler, type PlannedFault, type Schedule, type Switch } from './schedule/schedule.ts';
import type { FaultKind } from './schedule/token.ts';

/** What random schedules may be like. */
export interface ScheduleConstraints {
  /** Clients of the scenario; 1 to 26. */
  readonly clients: number;
  /** About how many commands a client sends: switches and faults are put among them. Default 10. */
  readonly commands?: number;
  /** Most switches from one client to another. Default 6. */
  readonly switchLimit?: number;
  /** What may go wrong. Default: nothing. */
  readonly faults?: readonly FaultKind[];
  /** Most faults in a schedule. Default 1. */
  readonly faultLimit?: number;
}

/**
 * Random schedules for `Interleaving.run`, to be used in a property. A failing one shrinks to fewer switches, then to fewer
 * clients, then to fewer faults; its seed and path replay it like any other counterexample.
 */
export const schedules = (constraints: ScheduleConstraints): Arbitrary<Schedule> => new ScheduleArbitrary(constraints);

class ScheduleArbitrary extends Arbitrary<Schedule> {
  readonly #constraints: Required<ScheduleConstraints>;

  constructor(constraints: ScheduleConstraints) {
    super();
    this.#constraints = { commands: 10, switchLimit: 6, faults: [], faultLimit: 1, ...constraints };
  }

  generate(random: Random): Value<Schedule> {
    const { clients, commands, switchLimit, faults, faultLimit } = this.#constraints;
    const below = (limit: number): number => random.nextInt(0, limit - 1);
    const place = (): Pick<Switch, 'client' | 'after'> => ({ client: below(clients), after: below(commands) });
    const times = <E>(limit: number, make: () => E): E[] => Array.from({ length: below(limit + 1) }, make);
    const order = Array.from({ length: clients }, (_, client) => ({ client, at: random.nextInt() }));
    const schedule: Schedule = {
      clients: order.toSorted((one, other) => one.at - other.at).map(({ client }) => client),
      switches: times(clients > 1 ? switchLimit : 0, () => {
        const from = place();
        return { ...from, to: (from.client + 1 + below(clients - 1)) % clients };
      }),
      faults: times(faults.length > 0 ? faultLimit : 0, (): PlannedFault => ({
        ...place(),
        kind: faults[below(faults.length)] ?? 'crash',
      })),
    };
    return new Value(schedule, undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Schedule {
    return typeof value === 'object' && value !== null && 'switches' in value;
  }

  /** @param context schedules that were tried on the way here, as text: none of them failed */
  shrink(schedule: Schedule, context: unknown): Stream<Value<Schedule>> {
    const tried = context instanceof Set ? new Set<unknown>(context) : new Set<unknown>();
    return stream(candidates());

    function* candidates(): Generator<Value<Schedule>> {
      for (const candidate of simpler(schedule)) {
        const text = JSON.stringify(candidate);
        if (tried.has(text)) continue;
        tried.add(text);
        yield new Value(candidate, tried);
      }
    }
  }
}
