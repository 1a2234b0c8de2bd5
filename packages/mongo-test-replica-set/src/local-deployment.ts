import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDataFolder, type DataFolder } from './data-folder.ts';
import { withFreePorts } from './free-ports.ts';
import { initiateReplicaSet, uriOf } from './initiate.ts';
import { onProcessEnd } from './last-resort.ts';
import { createLocalMember, type LocalMember } from './local-member.ts';
import { mongodArguments } from './mongod-arguments.ts';
import type { MongodBinary } from './mongod-binary.ts';
import type { Deployment, Member } from './replica-set.ts';
import type { Settings } from './settings.ts';

const HOST = '127.0.0.1';

/**
 * Starts mongods on this machine and initiates a replica set of them. A failed start leaves no process and no folder.
 */
export async function startLocalDeployment(binary: MongodBinary, settings: Settings): Promise<Deployment> {
  return withFreePorts(settings.members, (ports) => startOnce(binary, ports, settings));
}

async function startOnce(binary: MongodBinary, ports: number[], settings: Settings): Promise<Deployment> {
  const folder = await createDataFolder();
  let members: LocalMember[] = [];
  const unregister = onProcessEnd(() => {
    for (const member of members) member.killSync();
    folder.removeSync();
  }, settings.endOnInterrupt);
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await folder.remove();
    unregister();
  };
  try {
    members = await prepareMembers(folder, ports, binary, settings);
    await launchAll(members, settings.signal);
    const serverVersion = await initiateReplicaSet(members, settings);
    return {
      uri: uriOf(members),
      serverVersion,
      storage: folder.storage,
      mongod: binary.path,
      members: members.map(({ index, port }) => ({ index, host: HOST, port })),
      control: {
        kill: async (member) => members[member.index]?.kill(),
        restart: async (member) => members[member.index]?.launch(),
        freeze: async (member) => members[member.index]?.freeze(),
        thaw: async (member) => members[member.index]?.thaw(),
        endOf: async (member) => members[member.index]?.end(),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepareMembers(
  folder: DataFolder,
  ports: number[],
  binary: MongodBinary,
  settings: Settings,
): Promise<LocalMember[]> {
  const mongodArgs = mongodArguments(settings);
  return Promise.all(
    ports.map(async (port, index) => {
      const dataFolder = join(folder.path, `member-${index}`);
      await mkdir(dataFolder);
      const member: Member = { index, host: HOST, port };
      return createLocalMember(member, dataFolder, binary, mongodArgs);
    }),
  );
}

async function launchAll(members: readonly LocalMember[], signal: AbortSignal | undefined): Promise<void> {
  const killAll = (): void => {
    for (const member of members) member.killSync();
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', killAll);
  try {
    // Every launch settles before the first failure is thrown: a mongod that came up after the clean-up would stay.
    const launches = await Promise.allSettled(members.map((member) => member.launch()));
    signal?.throwIfAborted();
    const failed = launches.find((launch) => launch.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    signal?.removeEventListener('abort', killAll);
  }
}
