import { chooseSecondaries, choosePrimary, type ChooseMembers } from './choose-members.ts';
import { nameOf, type FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';

/** An election begins after 2 s, so some freezes are shorter and most are longer. */
export const MIN_FROZEN_MS = 1_000;
export const MAX_FROZEN_MS = 9_000;

/** Over when the thawed members are members again, and one of all is primary. */
const freezing =
  (choose: ChooseMembers): FaultMethod =>
  async ({ set, random }) => {
    const victims = await choose(set, random);
    const frozenMs = between(MIN_FROZEN_MS, MAX_FROZEN_MS, random);
    return {
      target: victims.map(nameOf).join(' and '),
      run: async (signal) => {
        await Promise.all(victims.map((victim) => set.freezeMember(victim)));
        await hold(frozenMs, signal);
        await Promise.all(victims.map((victim) => set.thawMember(victim)));
        await set.primary();
      },
    };
  };

export const freezePrimary: FaultMethod = freezing(choosePrimary);
export const freezeSecondaries: FaultMethod = freezing(chooseSecondaries);
