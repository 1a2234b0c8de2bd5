import { MongoClient, type Document } from 'mongodb';
import type { Member } from './replica-set.ts';

/** A member's `host:port`, as the replica set's configuration has it. */
export function addressOf(member: Member): string {
  return `${member.host}:${member.port}`;
}

/**
 * Opens a client for one use and closes it. A client kept through an election would go on with its old view of the
 * topology: it may send a command to the former primary.
 *
 * @param maxWaitMs for the selection of a server and for each connection
 */
export async function withClient<Result>(
  uri: string,
  maxWaitMs: number,
  use: (client: MongoClient) => Promise<Result>,
): Promise<Result> {
  const client = new MongoClient(uri, {
    serverSelectionTimeoutMS: maxWaitMs,
    connectTimeoutMS: maxWaitMs,
    appName: 'mongo-test-replica-set',
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Runs one command on the admin database of this member, whether it is primary, secondary or neither. */
export async function askMember(member: Member, command: Document, maxWaitMs: number): Promise<Document> {
  const uri = `mongodb://${addressOf(member)}/?directConnection=true`;
  return withClient(uri, maxWaitMs, (client) => client.db('admin').command(command));
}
