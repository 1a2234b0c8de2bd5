import type { Member, ReplicaSet } from 'mongo-test-replica-set';
import type { ChooseMembers } from './choose-members.ts';
import { nameOf, type FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';

interface Away {
  readonly choose: ChooseMembers;
  readonly minMs: number;
  readonly maxMs: number;
  /** @returns the member to be brought back */
  readonly take: (set: ReplicaSet, member: Member) => Promise<Member>;
  readonly bringBack: (set: ReplicaSet, member: Member) => Promise<unknown>;
}

/** Members can't be reached for some time. Over when they are members again, and one of all is primary. */
export const membersAway =
  ({ choose, minMs, maxMs, take, bringBack }: Away): FaultMethod =>
  async ({ set, random }) => {
    const victims = await choose(set, random);
    const awayMs = between(minMs, maxMs, random);
    return {
      target: victims.map(nameOf).join(' and '),
      run: async (signal) => {
        const taken = await Promise.all(victims.map((victim) => take(set, victim)));
        await hold(awayMs, signal);
        await Promise.all(taken.map((member) => bringBack(set, member)));
        await set.primary();
      },
    };
  };
