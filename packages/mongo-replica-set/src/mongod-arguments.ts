import { platform } from 'node:os';
import type { Settings } from './settings.ts';

/** The name of every set of ours. */
export const replicaSetName = 'replica-set';

/** What all members of ours are started with, besides port, data folder, address and set name. */
export function mongodArguments(settings: Settings): string[] {
  const parameters = Object.entries(settings.setParameters);
  return [
    ...parameters.flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
    '--wiredTigerCacheSizeGB=0.25',
    // Without this each member preallocates 300 MB of journal: 900 MB of memory on tmpfs, 50 MB with it.
    '--wiredTigerEngineConfigString=log=(prealloc=false,file_max=16MB)',
    // The log is read line by line in our process: no line per connection, none per slow command of a storm.
    '--quiet',
    '--slowms=10000',
    // The socket file would stay in /tmp after a SIGKILL.
    ...(platform() === 'win32' ? [] : ['--nounixsocket']),
  ];
}
