import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { MongoInstance } from 'mongodb-memory-server-core';
import { withTimeout } from './bounded.ts';
import type { MongodBinary } from './mongod-binary.ts';
import { REPLICA_SET_NAME } from './mongod-arguments.ts';
import { ReplicaSetError } from './replica-set-error.ts';
import type { Member } from './replica-set.ts';

const MAX_LAUNCH_MS = 30_000;
/** A process ends milliseconds after a SIGKILL; only a stuck machine takes longer. */
const MAX_KILL_MS = 10_000;

/** Looks each second whether both processes live, the frozen one and the one that has frozen it. */
const THAW_WHEN_ORPHANED = 'while kill -0 $2 && kill -0 $1; do sleep 1; done 2>/dev/null; kill -CONT $1 2>/dev/null';
/** Ctrl-C in a terminal does not reach it. */
const GUARD_OPTIONS = { stdio: 'ignore', detached: true } as const;

/** A mongod as a child process of this one. It may be launched again after it was killed. */
export interface LocalMember extends Member {
  readonly dataFolder: string;
  launch(): Promise<void>;
  /** Sends SIGKILL and resolves when the process has ended; at once if it does not run. */
  kill(): Promise<void>;
  /** Sends SIGKILL and does not wait: for exit handlers. */
  killSync(): void;
  /** Sends SIGSTOP. When this process dies, the member is thawed. @throws ReplicaSetError `unsupported` on Windows */
  freeze(): void;
  /** Sends SIGCONT. */
  thaw(): void;
  /** How the process has ended: the signal or the exit code. Undefined while it runs. */
  end(): string | undefined;
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
  /** The instance forgets a process that ends by itself. */
  let launched: ChildProcess | undefined;
  let guard: ChildProcess | undefined;
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
      launched = instance.mongodProcess;
    },
    kill: async () => {
      const child = instance?.mongodProcess;
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        // The library's child does not hold this process, and the timer does.
        await withTimeout(closed, MAX_KILL_MS, `the end of the mongod on port ${member.port}`);
      }
      // Ends the library's second process; mongod has ended already.
      await instance?.stop();
    },
    killSync: () => {
      instance?.mongodProcess?.kill('SIGKILL');
      instance?.killerProcess?.kill('SIGKILL');
    },
    freeze: () => {
      const pid = instance?.mongodProcess?.pid;
      if (platform() === 'win32' || pid === undefined)
        throw new ReplicaSetError('unsupported', 'A member can be frozen where there is SIGSTOP.');
      // The library's second process sends SIGTERM when this process has died, which a frozen mongod does not see.
      guard = spawn('sh', ['-c', THAW_WHEN_ORPHANED, 'sh', String(pid), String(process.pid)], GUARD_OPTIONS);
      guard.unref();
      process.kill(pid, 'SIGSTOP');
    },
    thaw: () => {
      guard?.kill('SIGKILL');
      instance?.mongodProcess?.kill('SIGCONT');
    },
    end: () => {
      const { exitCode = null, signalCode = null } = launched ?? {};
      return signalCode ?? (exitCode === null ? undefined : `exit code ${exitCode}`);
    },
  };
}
