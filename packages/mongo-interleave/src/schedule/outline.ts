import type { Decision } from './decision.ts';
import type { FaultKind } from './token.ts';

/**
 * A schedule in outline: the clients run one after the other, except for these switches and faults. An outline fits any flow, because
 * what a flow can't do is skipped. The exact schedule is the token of the run.
 */
export interface Schedule {
  /** The clients that take part, in the order in which they start. */
  readonly clients: readonly number[];
  readonly switches: readonly Switch[];
  readonly faults: readonly PlannedFault[];
}

/** After `after` commands of `client` were released, client `to` runs next. */
export interface Switch {
  readonly client: number;
  readonly after: number;
  readonly to: number;
}

/** The fault `kind` is injected at the command of `client` that follows its first `after` commands. */
export interface PlannedFault {
  readonly client: number;
  readonly after: number;
  readonly kind: FaultKind;
}

/** The outline of an exact schedule. */
export function outlineOf(decisions: readonly Decision[]): Schedule {
  const released = new Map<number, number>();
  const clients: number[] = [];
  const switches: Switch[] = [];
  const faults: PlannedFault[] = [];
  let previous: number | undefined;
  for (const { choice, enabledClients } of decisions) {
    const { client, fault } = choice;
    if (!clients.includes(client)) clients.push(client);
    const isForced = previous === undefined || !enabledClients.includes(previous);
    const inTurn = isForced ? clients.find((one) => enabledClients.includes(one)) : previous;
    if (previous !== undefined && client !== inTurn) {
      const from = isForced ? (inTurn ?? previous) : previous;
      switches.push({ client: from, after: released.get(from) ?? 0, to: client });
    }
    const after = released.get(client) ?? 0;
    if (fault !== undefined) faults.push({ client, after, kind: fault });
    released.set(client, after + 1);
    previous = client;
  }
  return { clients, switches, faults };
}
