import { setTimeout as delay } from 'node:timers/promises';
import { addressOf, askMember, withClient } from './ask.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import type { Deployment, Member, MemberControl, PassedOver, ProviderName, ReplicaSet } from './replica-set.ts';
import { stepDownPrimary } from './step-down.ts';

const MAX_ELECTION_MS = 20_000;
const MAX_RESTART_MS = 30_000;
const MAX_ANSWER_MS = 2_000;
const POLL_MS = 50;

/** Creates the public handle of a running deployment. */
export function openReplicaSet(
  deployment: Deployment,
  provider: ProviderName,
  passedOver: readonly PassedOver[],
): ReplicaSet {
  const { uri, members, control } = deployment;
  const killed = new Set<number>();
  const frozen = new Set<number>();
  let stopping: Promise<void> | undefined;

  const assertStarted = (): void => {
    if (stopping !== undefined) throw new ReplicaSetError('stopped', 'The replica set was stopped.');
  };
  const controlFor = (call: string): MemberControl => {
    assertStarted();
    if (control !== undefined) return control;
    throw new ReplicaSetError(
      'unsupported',
      `${call} is not supported for the replica set in MONGODB_URI, which is never disturbed.`,
    );
  };
  const primary = async (): Promise<Member> => {
    assertStarted();
    return findPrimary(uri, members);
  };
  const stop = (): Promise<void> => (stopping ??= deployment.stop());

  const restart = async (memberControl: MemberControl, member: Member): Promise<void> => {
    killed.delete(member.index);
    await memberControl.restart(member).catch((error: unknown) => {
      killed.add(member.index);
      const reason = `${addressOf(member)} did not start again: ${firstLine(error)}`;
      throw new ReplicaSetError('start-failed', reason, { cause: error });
    });
    await waitUntilMember(member);
  };
  /** @returns what nobody had done to it */
  const bringBackMember = async (memberControl: MemberControl, member: Member): Promise<string[]> => {
    const isKilled = killed.has(member.index);
    const isFrozen = frozen.delete(member.index);
    const end = await memberControl.endOf(member);
    if (isKilled || end !== undefined) {
      await restart(memberControl, member);
      return isKilled ? [] : [`${addressOf(member)} had ended by itself (${end})`];
    }
    if (isFrozen) await memberControl.thaw(member);
    try {
      await waitUntilMember(member);
      return [];
    } catch (error) {
      // As a member that does not come to the end of a rollback.
      await memberControl.kill(member);
      await restart(memberControl, member);
      return [`${addressOf(member)} had to be killed: ${firstLine(error)}`];
    }
  };

  return {
    uri,
    serverVersion: deployment.serverVersion,
    provider,
    storage: deployment.storage,
    mongod: deployment.mongod,
    members,
    passedOver,
    primary,
    killMember: async (which) => {
      const memberControl = controlFor('killMember');
      const member = which === 'primary' ? await primary() : which;
      if (killed.has(member.index)) throw new ReplicaSetError('member-state', `${addressOf(member)} is down already.`);
      killed.add(member.index);
      frozen.delete(member.index);
      await memberControl.kill(member);
      return member;
    },
    freezeMember: async (which) => {
      const memberControl = controlFor('freezeMember');
      const member = which === 'primary' ? await primary() : which;
      const state = killed.has(member.index) ? 'down' : frozen.has(member.index) ? 'frozen already' : undefined;
      if (state !== undefined) throw new ReplicaSetError('member-state', `${addressOf(member)} is ${state}.`);
      frozen.add(member.index);
      await memberControl.freeze(member);
      return member;
    },
    thawMember: async (member) => {
      const memberControl = controlFor('thawMember');
      if (!frozen.delete(member.index))
        throw new ReplicaSetError('member-state', `${addressOf(member)} is not frozen.`);
      await memberControl.thaw(member);
      await waitUntilMember(member);
    },
    restartMember: async (member) => {
      const memberControl = controlFor('restartMember');
      if (!killed.has(member.index)) throw new ReplicaSetError('member-state', `${addressOf(member)} is running.`);
      await restart(memberControl, member);
    },
    bringBack: async () => {
      const memberControl = controlFor('bringBack');
      const back = await Promise.all(members.map((member) => bringBackMember(memberControl, member)));
      await primary();
      return back.flat();
    },
    stepDown: async () => {
      controlFor('stepDown');
      return stepDownPrimary(await primary(), members, primary);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function findPrimary(uri: string, members: readonly Member[]): Promise<Member> {
  try {
    const hello = await withClient(uri, MAX_ELECTION_MS, (client) => client.db('admin').command({ hello: 1 }));
    const found = members.find((member) => addressOf(member) === hello['me']);
    if (found !== undefined) return found;
    throw new Error(`the primary calls itself ${String(hello['me'])}`);
  } catch (error) {
    const reason = `No primary within ${MAX_ELECTION_MS} ms: ${firstLine(error)}`;
    throw new ReplicaSetError('no-primary', reason, { cause: error });
  }
}

async function waitUntilMember(member: Member): Promise<void> {
  const deadlineMs = performance.now() + MAX_RESTART_MS;
  let seen: unknown;
  while (performance.now() < deadlineMs) {
    try {
      const hello = await askMember(member, { hello: 1 }, MAX_ANSWER_MS);
      if (hello['isWritablePrimary'] === true || hello['secondary'] === true) return;
      seen = new Error('it is neither primary nor secondary');
    } catch (error) {
      seen = error;
    }
    await delay(POLL_MS);
  }
  const reason = `${addressOf(member)} is not back after ${MAX_RESTART_MS} ms: ${firstLine(seen)}`;
  throw new ReplicaSetError('start-failed', reason, { cause: seen });
}
