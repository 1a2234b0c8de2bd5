import { chooseMajority, choosePrimary, chooseSecondary, type ChooseMembers } from './choose-members.ts';
import type { FaultMethod } from './fault-method.ts';
import { membersAway } from './members-away.ts';

/** A member that is back before the election is another case than one that comes back after it, which takes 2 to 4 s. */
const MAX_DOWN_MS = 3_000;

const killing = (choose: ChooseMembers): FaultMethod =>
  membersAway({
    choose,
    minMs: 0,
    maxMs: MAX_DOWN_MS,
    take: (set, member) => set.killMember(member),
    bringBack: (set, member) => set.restartMember(member),
  });

export const killPrimary: FaultMethod = killing(choosePrimary);
export const killSecondary: FaultMethod = killing(chooseSecondary);
export const killBoth: FaultMethod = killing(chooseMajority);
