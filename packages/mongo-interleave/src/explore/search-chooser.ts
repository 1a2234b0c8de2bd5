import type { Chooser, Offer } from '../execute-run.ts';
import type { Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ExploreOptions, FaultOptions } from '../options.ts';
import { formatChoice, isCrash } from '../schedule/token.ts';
import type { SleepSetSearch } from './sleep-set-search.ts';

/** One run of a search: what may be done next, faults included, and within the limits. */
export function searchChooser(
  search: SleepSetSearch<Footprint>,
  { faults, preemptionLimit = Infinity }: Pick<ExploreOptions<unknown>, 'faults' | 'preemptionLimit'>,
): Chooser {
  let last: Offer | undefined;
  let preemptions = 0;
  let faultsLeft = faults?.limit ?? 1;
  return {
    choose: (offers) => {
      const possible =
        faults === undefined || faultsLeft === 0 ? offers : offers.flatMap((offer) => withFaults(offer, faults));
      const previous = isCrash(last?.choice.fault) ? undefined : last?.choice.client;
      const own = possible.filter(({ choice }) => choice.client === previous);
      const allowed = own.length > 0 && preemptions >= preemptionLimit ? own : possible;
      const { id } = search.choose(allowed.map((offer) => ({ id: offer.id, client: offer.choice.client })));
      const chosen = allowed.find((offer) => offer.id === id) ?? expectOffer(id);
      if (own.length > 0 && chosen.choice.client !== previous) preemptions++;
      if (chosen.choice.fault !== undefined) faultsLeft--;
      last = chosen;
      return chosen;
    },
    took: (footprint) => search.took(footprint),
  };
}

function withFaults(offer: Offer, { kinds, clients }: FaultOptions): Offer[] {
  if (clients?.includes(offer.choice.client) === false) return [offer];
  return [
    offer,
    ...kinds.map((fault) => {
      const choice = { ...offer.choice, fault };
      return { ...offer, choice, id: `${offer.id} ${formatChoice(choice)}` };
    }),
  ];
}

function expectOffer(id: string): Offer {
  throw new InterleaveError('diverged', `${id} was chosen, but it is not at the gate.`);
}
