import { choosePrimary, chooseSecondaries, type ChooseMembers } from './choose-members.ts';
import type { FaultMethod } from './fault-method.ts';
import { membersAway } from './members-away.ts';

/** An election begins after 2 s, so some freezes are shorter and most are longer. */
export const MIN_FROZEN_MS = 1_000;
export const MAX_FROZEN_MS = 9_000;

const freezing = (choose: ChooseMembers): FaultMethod =>
  membersAway({
    choose,
    minMs: MIN_FROZEN_MS,
    maxMs: MAX_FROZEN_MS,
    take: (set, member) => set.freezeMember(member),
    bringBack: (set, member) => set.thawMember(member),
  });

export const freezePrimary: FaultMethod = freezing(choosePrimary);
export const freezeSecondaries: FaultMethod = freezing(chooseSecondaries);
