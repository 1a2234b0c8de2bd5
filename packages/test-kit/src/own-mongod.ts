import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type MongoClientOptions } from 'mongodb';

const MAX_START_MS = 20_000;

/** A mongod of a test's own, gone with its data when the test ends. */
export interface OwnMongod extends AsyncDisposable {
  /** Connects to it; the client is closed with it. */
  connect(options?: MongoClientOptions): Promise<MongoClient>;
}

export interface OwnMongodOptions {
  /** True: the server asks for users, and is a replica set of one member. False: a standalone server without users. */
  readonly hasUsers: boolean;
}

/** @param mongod the path of the binary */
export async function startOwnMongod(mongod: string, { hasUsers }: OwnMongodOptions): Promise<OwnMongod> {
  const folder = await mkdtemp(join(tmpdir(), 'rotation-mongod-'));
  const port = await findFreePort();
  const host = `127.0.0.1:${String(port)}`;
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, 'a key of this test alone', { mode: 0o600 });
  const secured = hasUsers ? ['--replSet', 'own', '--auth', '--keyFile', keyFile] : [];
  const argv = ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket', ...secured];
  const server = spawn(mongod, argv, { stdio: 'ignore' });
  const exited = once(server, 'exit');
  const clients: MongoClient[] = [];
  const connect = async (options: MongoClientOptions = {}): Promise<MongoClient> => {
    const given = { serverSelectionTimeoutMS: MAX_START_MS, ...options };
    const client = await new MongoClient(`mongodb://${host}/?directConnection=true`, given).connect();
    clients.push(client);
    return client;
  };
  if (hasUsers) {
    const config = { _id: 'own', members: [{ _id: 0, host }] };
    // The first client of a server without users may do this much.
    await (await connect()).db('admin').command({ replSetInitiate: config });
  }
  return {
    connect,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      server.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}
