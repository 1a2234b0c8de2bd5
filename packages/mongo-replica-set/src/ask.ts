import { MongoClient, type Document } from 'mongodb';
import type { Member } from './replica-set.ts';

/** The `host:port` by which a member is known to the set. */
export function addressOf(member: Member): string {
  return `${member.host}:${member.port}`;
}

/** Opens a client, always closes it. A new client knows nothing from before, and a stale topology can't mislead it. */
export async function withClient<Result>(
  uri: string,
  timeoutMs: number,
  use: (client: MongoClient) => Promise<Result>,
): Promise<Result> {
  const client = new MongoClient(uri, {
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    appName: 'mongo-replica-set',
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Sends one command to the admin database of exactly this member, whatever its state. */
export async function askMember(member: Member, command: Document, timeoutMs: number): Promise<Document> {
  const uri = `mongodb://${addressOf(member)}/?directConnection=true`;
  return withClient(uri, timeoutMs, (client) => client.db('admin').command(command));
}
