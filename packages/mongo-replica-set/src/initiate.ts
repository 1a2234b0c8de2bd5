import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { addressOf, withClient } from './ask.ts';
import { replicaSetName } from './mongod-arguments.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import type { Member } from './replica-set.ts';
import type { Settings } from './settings.ts';

/** From the first command to a set in which every member takes part; 3 s on two idle cores. */
const initiateTimeoutMs = 60_000;
const connectTimeoutMs = 10_000;
const pollMs = 20;

const timing = {
  // How long a primary may be silent before another one is elected.
  electionTimeoutMillis: 2_000,
  heartbeatIntervalMillis: 500,
};

/** The connection string of a set of ours. */
export function uriOf(members: readonly Member[]): string {
  return `mongodb://${members.map(addressOf).join(',')}/?replicaSet=${replicaSetName}`;
}

/**
 * Makes one set out of empty mongods and waits until all members are primary or secondary and a majority write has been
 * acknowledged. Returns the server's version.
 */
export async function initiateReplicaSet(members: readonly Member[], settings: Settings): Promise<string> {
  const first = members[0];
  if (first === undefined) throw new ReplicaSetError('start-failed', 'A set without members.');
  const direct = `mongodb://${addressOf(first)}/?directConnection=true`;
  const deadlineMs = performance.now() + initiateTimeoutMs;
  const serverVersion = await withClient(direct, connectTimeoutMs, async (client) => {
    const admin = client.db('admin');
    await admin.command({ replSetInitiate: configuration(members, settings) });
    await waitForMembers(client, settings.signal, deadlineMs);
    return String((await admin.command({ buildInfo: 1 }))['version']);
  });
  await withClient(uriOf(members), connectTimeoutMs, (client) =>
    client.db('admin').command({
      appendOplogNote: 1,
      data: { note: 'ready' },
      writeConcern: { w: 'majority', wtimeout: initiateTimeoutMs },
    }),
  );
  return serverVersion;
}

function configuration(members: readonly Member[], settings: Settings): Document {
  return {
    _id: replicaSetName,
    members: members.map((member) => ({ _id: member.index, host: addressOf(member) })),
    writeConcernMajorityJournalDefault: settings.journaledMajority,
    settings: timing,
  };
}

async function waitForMembers(client: MongoClient, signal: AbortSignal | undefined, deadlineMs: number): Promise<void> {
  const admin = client.db('admin');
  let states: string[] = [];
  let stepUpAnswer = '';
  while (performance.now() < deadlineMs) {
    const status = await admin.command({ replSetGetStatus: 1 });
    const answers: { stateStr: string }[] = status['members'];
    states = answers.map((member) => member.stateStr);
    const primaries = states.filter((state) => state === 'PRIMARY').length;
    if (primaries === 1 && states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')) return;
    if (primaries === 0) {
      // Waiting for the election timeout would cost 2 s; until the others have heard of the set this is refused.
      stepUpAnswer = await admin.command({ replSetStepUp: 1 }).then(() => '', firstLine);
    }
    await delay(pollMs, undefined, signal === undefined ? {} : { signal });
  }
  const answer = stepUpAnswer === '' ? '' : `; step-up: ${stepUpAnswer}`;
  throw new ReplicaSetError(
    'start-failed',
    `After ${initiateTimeoutMs} ms the members are ${states.join(', ')}, not one primary and secondaries${answer}.`,
  );
}
