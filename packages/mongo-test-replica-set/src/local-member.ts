import { once } from 'node:events';
import { platform } from 'node:os';
import { MongoInstance } from 'mongodb-memory-server-core';
import type { MongodBinary } from './mongod-binary.ts';
import { REPLICA_SET_NAME } from './mongod-arguments.ts';
import type { Member } from './replica-set.ts';

const MAX_LAUNCH_MS = 30_000;
/** A process ends milliseconds after a SIGKILL; only a stuck machine takes longer. */
const MAX_KILL_MS = 10_000;

/** A mongod as a child process of this one. It may be launched again after it was killed. */
export interface LocalMember extends Member {
  readonly dataFolder: string;
  launch(): Promise<void>;
  /** Sends SIGKILL and resolves when the process has ended; at once if it does not run. */
  kill(): Promise<void>;
  /** Sends SIGKILL and does not wait: for exit handlers. */
  killSync(): void;
}

/**
 * Creates a member on the MongoInstance of mongodb-memory-server-core. MongoInstance starts mongod, waits until mongod
 * listens, and starts a second process that ends mongod when this process is killed. The library's MongoMemoryReplSet
 * is not used: it gives access to a mongod only after the launch, so that an abort or exit during a launch would leave
 * the mongod running.
 */
export function createLocalMember(
  member: Member,
  dataFolder: string,
  binary: MongodBinary,
  mongodArgs: string[],
): LocalMember {
  let instance: MongoInstance | undefined;
  return {
    ...member,
    dataFolder,
    launch: async () => {
      instance = new MongoInstance({
        instance: {
          port: member.port,
          ip: member.host,
          dbPath: dataFolder,
          replSet: REPLICA_SET_NAME,
          storageEngine: 'wiredTiger',
          launchTimeout: MAX_LAUNCH_MS,
          args: mongodArgs,
        },
        // Without the version the library warns that mongod differs from the version it would download.
        binary: { systemBinary: binary.path, version: binary.version },
        // A process group of its own: Ctrl-C in a terminal signals the whole group, and a host that handles SIGINT may
        // still need its database.
        spawn: { detached: platform() !== 'win32' },
      });
      await instance.start();
    },
    kill: async () => {
      const child = instance?.mongodProcess;
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const closed = once(child, 'close', { signal: AbortSignal.timeout(MAX_KILL_MS) });
        child.kill('SIGKILL');
        await closed;
      }
      // Ends the library's second process; mongod has ended already.
      await instance?.stop();
    },
    killSync: () => {
      instance?.mongodProcess?.kill('SIGKILL');
      instance?.killerProcess?.kill('SIGKILL');
    },
  };
}
