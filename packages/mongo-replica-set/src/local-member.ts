import { once } from 'node:events';
import { platform } from 'node:os';
import { MongoInstance } from 'mongodb-memory-server-core';
import type { MongodBinary } from './mongod-binary.ts';
import { replicaSetName } from './mongod-arguments.ts';
import type { Member } from './replica-set.ts';

const launchTimeoutMs = 30_000;
/** A SIGKILLed process is gone in milliseconds; longer means the machine is stuck. */
const killTimeoutMs = 10_000;

/** One mongod of this machine, as a child process; it may be started again after it was killed. */
export interface LocalMember extends Member {
  readonly dataFolder: string;
  launch(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. Nothing happens when it is not running. */
  kill(): Promise<void>;
  /** For exit handlers: sends the SIGKILL and does not wait. */
  killSync(): void;
}

/**
 * A member on top of the library's MongoInstance, which starts mongod, waits until it listens, and starts a second
 * process that ends mongod when this process dies without a word. Its MongoMemoryReplSet is not used: it shows a
 * mongod only after the launch, so that an abort or an exit in between could not end it.
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
          replSet: replicaSetName,
          storageEngine: 'wiredTiger',
          launchTimeout: launchTimeoutMs,
          args: mongodArgs,
        },
        // With the version told, the library has no reason to warn about another one than its default.
        binary: { systemBinary: binary.path, version: binary.version },
        // A session of its own: Ctrl-C in a terminal goes to all processes of a group, and a host that handles it may
        // still need its database.
        spawn: { detached: platform() !== 'win32' },
      });
      await instance.start();
    },
    kill: async () => {
      const child = instance?.mongodProcess;
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const closed = once(child, 'close', { signal: AbortSignal.timeout(killTimeoutMs) });
        child.kill('SIGKILL');
        await closed;
      }
      // Now that mongod is gone this only ends the second process.
      await instance?.stop();
    },
    killSync: () => {
      instance?.mongodProcess?.kill('SIGKILL');
      instance?.killerProcess?.kill('SIGKILL');
    },
  };
}
