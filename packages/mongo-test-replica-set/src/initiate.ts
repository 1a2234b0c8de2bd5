import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { addressOf, withClient } from './ask.ts';
import { REPLICA_SET_NAME } from './mongod-arguments.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import type { Member } from './replica-set.ts';
import type { Settings } from './settings.ts';

/** From `replSetInitiate` until every member is primary or secondary. Takes 3 s on two idle cores. */
const MAX_INITIATE_MS = 60_000;
const MAX_CONNECT_MS = 10_000;
const POLL_MS = 20;

const ELECTION_SETTINGS = {
  // An election begins when the primary has been silent for so long.
  electionTimeoutMillis: 2_000,
  heartbeatIntervalMillis: 500,
};

/** The connection string of a replica set that this package has started. */
export function uriOf(members: readonly Member[]): string {
  return `mongodb://${members.map(addressOf).join(',')}/?replicaSet=${REPLICA_SET_NAME}`;
}

/**
 * Initiates a replica set of empty mongods. Resolves with the server's version when every member is primary or
 * secondary and a majority write has been acknowledged.
 *
 * @throws ReplicaSetError `start-failed` after 60 s
 */
export async function initiateReplicaSet(members: readonly Member[], settings: Settings): Promise<string> {
  const first = members[0];
  if (first === undefined) throw new ReplicaSetError('start-failed', 'A replica set needs a member.');
  const direct = `mongodb://${addressOf(first)}/?directConnection=true`;
  const deadlineMs = performance.now() + MAX_INITIATE_MS;
  const serverVersion = await withClient(direct, MAX_CONNECT_MS, async (client) => {
    const admin = client.db('admin');
    await admin.command({ replSetInitiate: configuration(members, settings) });
    await waitForMembers(client, settings.signal, deadlineMs);
    return String((await admin.command({ buildInfo: 1 }))['version']);
  });
  await withClient(uriOf(members), MAX_CONNECT_MS, (client) =>
    client.db('admin').command({
      appendOplogNote: 1,
      data: { note: 'ready' },
      writeConcern: { w: 'majority', wtimeout: MAX_INITIATE_MS },
    }),
  );
  return serverVersion;
}

function configuration(members: readonly Member[], settings: Settings): Document {
  return {
    _id: REPLICA_SET_NAME,
    members: members.map((member) => ({ _id: member.index, host: addressOf(member) })),
    writeConcernMajorityJournalDefault: settings.journaledMajority,
    settings: ELECTION_SETTINGS,
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
      // Saves the election timeout of 2 s. Refused until the other members have received the configuration.
      stepUpAnswer = await admin.command({ replSetStepUp: 1 }).then(() => '', firstLine);
    }
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  const answer = stepUpAnswer === '' ? '' : ` replSetStepUp was answered: ${stepUpAnswer}`;
  throw new ReplicaSetError(
    'start-failed',
    `The members are ${states.join(', ')} after ${MAX_INITIATE_MS} ms, not one primary and secondaries.${answer}`,
  );
}
