import { platform } from 'node:os';
import type { Settings } from './settings.ts';

/** The name of every replica set that this package starts. */
export const REPLICA_SET_NAME = 'replica-set';

/** Minutes of many writes; a member is away for some seconds. */
const OPLOG_MB = 256;

/** The arguments of every member, besides port, data folder, address and the replica set's name. */
export function mongodArguments(settings: Settings): string[] {
  const parameters = Object.entries(settings.setParameters);
  return [
    ...parameters.flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
    '--wiredTigerCacheSizeGB=0.25',
    // By default each member preallocates 300 MB of journal. Three members on tmpfs take 50 MB of memory with this
    // argument and 900 MB without.
    '--wiredTigerEngineConfigString=log=(prealloc=false,file_max=16MB)',
    // By default 5 % of the disk, 990 MB at least: in shared memory that is a machine's memory, after an hour of writes.
    `--oplogSize=${OPLOG_MB}`,
    // This process reads mongod's log line by line: no lines for connections and slow commands.
    '--quiet',
    '--slowms=10000',
    // The socket's file would stay in /tmp after a SIGKILL.
    ...(platform() === 'win32' ? [] : ['--nounixsocket']),
  ];
}
