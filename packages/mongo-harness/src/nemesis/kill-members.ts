import type { Member } from 'mongo-test-replica-set';
import { nameOf, type FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';
import { choosePrimary, chooseMajority, chooseSecondary, type ChooseMembers } from './choose-members.ts';

/** A member that is back before the election is another case than one that comes back after it, which takes 2 to 4 s. */
const MAX_DOWN_MS = 3_000;

/** Over when the killed members are members again, and one of all is primary. */
const killing =
  (choose: ChooseMembers): FaultMethod =>
  async ({ set, random }) => {
    const victims = await choose(set, random);
    const downMs = between(0, MAX_DOWN_MS, random);
    return {
      target: victims.map(nameOf).join(' and '),
      run: async (signal) => {
        const killed: Member[] = await Promise.all(victims.map((victim) => set.killMember(victim)));
        await hold(downMs, signal);
        await Promise.all(killed.map((member) => set.restartMember(member)));
        await set.primary();
      },
    };
  };

export const killPrimary: FaultMethod = killing(choosePrimary);
export const killSecondary: FaultMethod = killing(chooseSecondary);
export const killBoth: FaultMethod = killing(chooseMajority);
