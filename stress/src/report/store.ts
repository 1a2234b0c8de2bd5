import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from './run-result.ts';

/** What a whole command leaves in the store. */
export interface StoredResult {
  readonly version: 1;
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
  readonly runs: readonly RunResult[];
}

/** Writes `<store>/<time>/result.json` and points `<store>/latest` to that folder. @returns the file's path */
export async function storeResult(store: string, result: StoredResult): Promise<string> {
  const name = result.startedAt.replaceAll(':', '-');
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
