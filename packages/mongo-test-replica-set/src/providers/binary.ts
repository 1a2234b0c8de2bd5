import { delimiter, join } from 'node:path';
import { platform } from 'node:os';
import { findCachedMongod } from '../cache-folder.ts';
import { startLocalDeployment } from '../local-deployment.ts';
import { checkMongod, type MongodBinary } from '../mongod-binary.ts';
import { ReplicaSetError } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import type { Settings } from '../settings.ts';

/**
 * Starts a mongod of this machine: that of MONGOD, else the first usable on PATH, else the first usable in the cache.
 */
export async function startFromBinary(settings: Settings): Promise<ProviderOutcome> {
  const named = await checkNamed(settings);
  const onPath = named === undefined ? await findOnPath(settings) : undefined;
  const binary = named ?? (typeof onPath === 'object' ? onPath : await findCachedMongod(settings));
  if (binary === undefined) {
    const seen = typeof onPath === 'string' ? onPath : 'no mongod on PATH';
    return { kind: 'passed-over', reason: `MONGOD is not set, ${seen}, no usable one in ${settings.cacheFolder}` };
  }
  return { kind: 'running', deployment: await startLocalDeployment(binary, settings) };
}

/** The mongod of MONGOD. @throws ReplicaSetError `unusable`: what the user has named is never silently replaced */
async function checkNamed(settings: Settings): Promise<MongodBinary | undefined> {
  if (settings.mongod === undefined) return undefined;
  const check = await checkMongod(settings.mongod, settings.signal);
  if (check.kind === 'usable') return check.binary;
  const reason = check.kind === 'not-found' ? 'there is no such file' : check.reason;
  throw new ReplicaSetError('unusable', `MONGOD=${settings.mongod}: ${reason}. Correct the path or unset MONGOD.`);
}

/** The first usable mongod on PATH. If none is usable, the reason for the first as a text; undefined without any. */
async function findOnPath(settings: Settings): Promise<MongodBinary | string | undefined> {
  let reason: string | undefined;
  const folders = (settings.environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(folder, platform() === 'win32' ? 'mongod.exe' : 'mongod');
    const check = await checkMongod(path, settings.signal);
    if (check.kind === 'usable') return check.binary;
    if (check.kind === 'unusable') reason ??= `${path}: ${check.reason}`;
  }
  return reason;
}
