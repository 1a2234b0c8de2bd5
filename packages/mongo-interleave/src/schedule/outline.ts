import { expectCount, expectInteger, expectList, expectOptions, type Names } from '../check-option.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { Decision } from './decision.ts';
import { expectFaultKinds, type FaultKind } from './token.ts';

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

const FIELDS: Names<Schedule> = { clients: true, switches: true, faults: true };
const SWITCH_FIELDS: Names<Switch> = { client: true, after: true, to: true };
const FAULT_FIELDS: Names<PlannedFault> = { client: true, after: true, kind: true };

/**
 * @param where what takes the schedule, such as `run`
 * @param clients number of clients of the scenario
 * @throws InterleaveError `invalid-option`
 */
export function expectSchedule(where: string, schedule: Schedule, clients: number): void {
  expectOptions(where, schedule, FIELDS);
  const { clients: own, switches, faults } = schedule;
  expectList({ clients: own, switches, faults }, where);
  if (own.length === 0)
    throw new InterleaveError(
      'invalid-option',
      `${where}: clients must name at least one client, from 0 to ${clients - 1}.`,
    );
  for (const client of own) expectInteger({ 'each of clients': client }, 0, clients - 1, where);
  for (const one of switches) {
    expectOptions(`${where}: each of switches`, one, SWITCH_FIELDS);
    expectInteger({ 'switches.client': one.client, 'switches.to': one.to }, 0, clients - 1, where);
    expectCount({ 'switches.after': one.after }, where);
  }
  for (const one of faults) {
    expectOptions(`${where}: each of faults`, one, FAULT_FIELDS);
    expectInteger({ 'faults.client': one.client }, 0, clients - 1, where);
    expectCount({ 'faults.after': one.after }, where);
    expectFaultKinds([one.kind]);
  }
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
