import type { Chooser, Offer, Taken } from '../execute-run.ts';
import type { FaultKind } from './token.ts';

/**
 * A schedule by what is out of the ordinary in it: without switches and faults the clients run one after the other. It fits any flow,
 * for what can't be done is passed over; the run's token is then exact.
 */
export interface Schedule {
  /** Who takes part, in the order in which they begin. */
  readonly clients: readonly number[];
  readonly switches: readonly Switch[];
  readonly faults: readonly PlannedFault[];
}

/** When `client` has had `after` of its commands released, `to` goes on. */
export interface Switch {
  readonly client: number;
  readonly after: number;
  readonly to: number;
}

/** At the command of `client` that comes after `after` others of it, `kind` happens. */
export interface PlannedFault {
  readonly client: number;
  readonly after: number;
  readonly kind: FaultKind;
}

/** Follows a schedule as far as the flow goes along. */
export function scheduleChooser({ clients, switches, faults }: Schedule): Chooser {
  const released = new Map<number, number>();
  const used = new Set<Switch>();
  let current = clients[0];

  function turn(offers: readonly Offer[]): Offer | undefined {
    const there = (client: number | undefined): Offer | undefined =>
      offers.find(({ choice }) => choice.client === client);
    if (there(current) === undefined) current = clients.find((client) => there(client) !== undefined);
    const due = switches.find(
      (one) => one.client === current && one.after === (released.get(one.client) ?? 0) && !used.has(one),
    );
    if (due !== undefined) {
      used.add(due);
      if (there(due.to) !== undefined) current = due.to;
    }
    return there(current);
  }

  return {
    participants: new Set(clients),
    took: () => undefined,
    choose: (offers) => {
      const offer = turn(offers) ?? offers[0];
      if (offer === undefined) throw new TypeError('there is nothing to choose from');
      const { client } = offer.choice;
      const after = released.get(client) ?? 0;
      released.set(client, after + 1);
      const fault = faults.find((one) => one.client === client && one.after === after);
      return fault === undefined ? offer : { ...offer, choice: { ...offer.choice, fault: fault.kind } };
    },
  };
}

/** The schedule that a run followed. */
export function scheduleOf(taken: readonly Taken[]): Schedule {
  const released = new Map<number, number>();
  const clients: number[] = [];
  const switches: Switch[] = [];
  const faults: PlannedFault[] = [];
  let previous: number | undefined;
  for (const { choice, offered } of taken) {
    const { client, fault } = choice;
    if (!clients.includes(client)) clients.push(client);
    const isForced = previous === undefined || !offered.includes(previous);
    const inTurn = isForced ? clients.find((one) => offered.includes(one)) : previous;
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

/** With more switches than this, a part of them is left out before every pair is tried. */
const FEW = 5;

/**
 * Simpler schedules, the simplest first: fewer switches, then fewer clients, then fewer faults. Whoever finds one that still
 * fails goes on with that one's.
 */
export function* simpler({ clients, switches, faults }: Schedule): Generator<Schedule> {
  for (const some of fewer(switches)) yield { clients, switches: some, faults };
  const [first, ...others] = switches;
  if (first !== undefined) {
    // What went before the first switch may go after it as well.
    yield { clients: [first.to, ...clients.filter((client) => client !== first.to)], switches: others, faults };
  }
  if (clients.length > 1) {
    for (const gone of clients.toReversed()) {
      const stays = ({ client, to }: Partial<Switch>): boolean => client !== gone && to !== gone;
      yield {
        clients: clients.filter((one) => one !== gone),
        switches: switches.filter(stays),
        faults: faults.filter(stays),
      };
    }
  }
  for (const fault of faults) yield { clients, switches, faults: faults.filter((one) => one !== fault) };
}

/** None, each alone, then halves of many or pairs of few, and all but one. */
function* fewer<E>(all: readonly E[]): Generator<readonly E[]> {
  if (all.length > 0) yield [];
  if (all.length > 1) for (const one of all) yield [one];
  if (all.length > FEW) {
    const middle = Math.ceil(all.length / 2);
    yield all.slice(0, middle);
    yield all.slice(middle);
  } else if (all.length > 2) {
    for (const [index, one] of all.entries()) for (const other of all.slice(index + 1)) yield [one, other];
  }
  if (all.length > 3) for (const left of all) yield all.filter((one) => one !== left);
}
