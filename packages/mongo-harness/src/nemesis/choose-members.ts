import type { Member, ReplicaSet } from 'mongo-test-replica-set';

/** Whom a fault meets. */
export type ChooseMembers = (set: ReplicaSet, random: () => number) => Promise<readonly Member[]>;

export const choosePrimary: ChooseMembers = async (set) => [await set.primary()];

export const chooseSecondaries: ChooseMembers = async (set) => {
  const { index: primary } = await set.primary();
  return set.members.filter(({ index }) => index !== primary);
};

export const chooseSecondary: ChooseMembers = async (set, random) => {
  const secondaries = await chooseSecondaries(set, random);
  const first = Math.floor(random() * secondaries.length);
  return secondaries.slice(first, first + 1);
};

/** The primary, and so many secondaries that too few members are left to elect another one. */
export const chooseMajority: ChooseMembers = async (set, random) => {
  const [primary, secondaries] = await Promise.all([set.primary(), chooseSecondaries(set, random)]);
  return [primary, ...secondaries.slice(0, Math.floor(set.members.length / 2))];
};
