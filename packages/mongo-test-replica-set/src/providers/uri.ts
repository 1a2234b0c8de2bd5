import { MongoServerSelectionError, type Document } from 'mongodb';
import { withClient } from '../ask.ts';
import { ReplicaSetError, firstLine } from '../replica-set-error.ts';
import type { Member, ProviderOutcome } from '../replica-set.ts';
import type { Settings } from '../settings.ts';

const MAX_ANSWER_MS = 10_000;

/**
 * Uses the replica set in MONGODB_URI. It is never reconfigured, and none of its members is killed or made to step
 * down.
 */
export async function startFromUri(settings: Settings): Promise<ProviderOutcome> {
  const { uri } = settings;
  if (uri === undefined) return { kind: 'passed-over', reason: 'MONGODB_URI is not set' };
  const { hello, serverVersion } = await ask(uri);
  const members = readMembers(hello);
  return {
    kind: 'running',
    deployment: {
      uri,
      serverVersion,
      storage: 'external',
      members,
      mongod: undefined,
      control: undefined,
      stop: async () => undefined,
    },
  };
}

async function ask(uri: string): Promise<{ hello: Document; serverVersion: string }> {
  try {
    return await withClient(uri, MAX_ANSWER_MS, async (client) => {
      const admin = client.db('admin');
      const hello = await admin.command({ hello: 1 });
      const { version } = await admin.command({ buildInfo: 1 });
      return { hello, serverVersion: String(version) };
    });
  } catch (error) {
    // The URI may hold a password, so the message does not repeat it.
    const reason = error instanceof MongoServerSelectionError ? `no answer within ${MAX_ANSWER_MS} ms: ` : '';
    throw new ReplicaSetError(
      'unusable',
      `MONGODB_URI cannot be used: ${reason}${firstLine(error)}. Correct it, or unset it to use another MongoDB.`,
      { cause: error },
    );
  }
}

function readMembers(hello: Document): Member[] {
  if (typeof hello['setName'] !== 'string') {
    const what = hello['msg'] === 'isdbgrid' ? 'the router of a sharded cluster' : 'a standalone mongod';
    throw new ReplicaSetError(
      'unusable',
      `MONGODB_URI points to ${what}, and transactions need a replica set. Start it with --replSet and run ` +
        'rs.initiate() once, name a replica set, or unset MONGODB_URI to use another MongoDB.',
    );
  }
  const hosts: string[] = hello['hosts'];
  return hosts.map((address, index) => {
    const split = address.lastIndexOf(':');
    return { index, host: address.slice(0, split), port: Number(address.slice(split + 1)) };
  });
}
