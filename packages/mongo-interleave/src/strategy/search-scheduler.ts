import type { Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import { canHit, type EnabledStep, type Scheduler } from '../schedule/scheduler.ts';
import { formatChoice, isCrash } from '../schedule/token.ts';
import type { ExploreOptions, FaultOptions } from './explore-options.ts';
import type { SleepSetSearch } from './sleep-set-search.ts';

/** Schedules one run of a search: offers the search each enabled step, alone and with each fault, within the limits. */
export function searchScheduler(
  search: SleepSetSearch<Footprint>,
  { faults, maxPreemptions = Infinity }: Pick<ExploreOptions<unknown>, 'faults' | 'maxPreemptions'>,
): Scheduler {
  let last: EnabledStep | undefined;
  let preemptions = 0;
  const maxFaults = faults?.maxFaults ?? 1;
  let faultsLeft = maxFaults;
  return {
    buildsOnEarlierRuns: true,
    restart: () => {
      search.abandon();
      last = undefined;
      preemptions = 0;
      faultsLeft = maxFaults;
    },
    next: (enabled) => {
      const possible =
        faults === undefined || faultsLeft === 0 ? enabled : enabled.flatMap((step) => withFaults(step, faults));
      const previous = isCrash(last?.choice.fault) ? undefined : last?.choice.client;
      const own = possible.filter(({ choice }) => choice.client === previous);
      const allowed = own.length > 0 && preemptions >= maxPreemptions ? own : possible;
      const { id } = search.next(
        allowed.map((step) => ({ id: step.id, client: step.choice.client, commandId: step.commandId })),
      );
      const chosen = allowed.find((step) => step.id === id) ?? throwMissing(id);
      if (own.length > 0 && chosen.choice.client !== previous) preemptions++;
      if (chosen.choice.fault !== undefined) faultsLeft--;
      last = chosen;
      return chosen;
    },
    executed: (footprint) => search.executed(footprint),
  };
}

function withFaults(step: EnabledStep, { kinds, clients }: FaultOptions): EnabledStep[] {
  if (clients?.includes(step.choice.client) === false) return [step];
  return [
    step,
    ...kinds
      .filter((fault) => canHit(step, fault))
      .map((fault) => {
        const choice = { ...step.choice, fault };
        return { ...step, choice, id: `${step.id} ${formatChoice(choice)}` };
      }),
  ];
}

function throwMissing(id: string): never {
  throw new InterleaveError('diverged', `The search chose ${id}, which is not at the gate.`);
}
