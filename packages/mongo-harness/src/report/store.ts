import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from './row.ts';

/** What a whole command leaves in the store. JSON. */
export interface StoredResult {
  /** 1 was before rows had a `trial`; nothing reads it any more. */
  readonly version: 2;
  /** The system's name. */
  readonly system: string;
  readonly startedAt: string;
  /** Of the storms. */
  readonly seed?: number;
  readonly server: {
    readonly version: string;
    readonly provider: string;
    readonly storage: string;
    readonly members: number;
  };
  readonly exitCode: number;
  readonly rows: readonly Row[];
}

/** The folder of a result in the store; colons are not for every file system. */
export const folderOf = (startedAt: string): string => startedAt.replaceAll(':', '-');

/** Writes `<store>/<time>/result.json` and points `<store>/latest` to that folder. @returns the file's path */
export async function storeResult(store: string, result: StoredResult): Promise<string> {
  const name = folderOf(result.startedAt);
  const folder = join(store, name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'result.json');
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
  // A link can't be replaced in place; renaming over it can't be seen half done.
  const link = join(store, `.latest-${process.pid}`);
  await symlink(name, link);
  await rename(link, join(store, 'latest'));
  return file;
}
