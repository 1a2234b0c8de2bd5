import type { Schedule, Switch } from '../schedule/outline.ts';

/** With more switches than this, halves of them are tried before pairs: there are too many pairs. */
const MAX_PAIRED = 5;

/**
 * Schedules that are simpler than this one, the simplest first: fewer switches, then fewer clients, then fewer faults. To shrink a
 * failing schedule, try them in order and start again from the first that fails too.
 */
export function* simplerSchedules({ clients, switches, faults }: Schedule): Generator<Schedule> {
  for (const some of fewer(switches)) yield { clients, switches: some, faults };
  const [first, ...others] = switches;
  if (first !== undefined) {
    // The commands before the first switch may run after it as well.
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

/** None, then each alone, then halves of many or pairs of few, then all but one. */
function* fewer<E>(all: readonly E[]): Generator<readonly E[]> {
  if (all.length > 0) yield [];
  if (all.length > 1) for (const one of all) yield [one];
  if (all.length > MAX_PAIRED) {
    const middle = Math.ceil(all.length / 2);
    yield all.slice(0, middle);
    yield all.slice(middle);
  } else if (all.length > 2) {
    for (const [index, one] of all.entries()) for (const other of all.slice(index + 1)) yield [one, other];
  }
  if (all.length > 3) for (const left of all) yield all.filter((one) => one !== left);
}
