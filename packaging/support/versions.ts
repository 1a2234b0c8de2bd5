import { join } from 'node:path';
import { readManifest } from './tarballs.ts';

/** `npm:typescript@5.4.5` for `typescript54`: as the catalog of `pnpm-workspace.yaml` says, where each version stands once. */
export function versionOf(dependency: string): string {
  const { name, version } = readManifest(join(import.meta.dirname, '../node_modules', dependency));
  return name === dependency ? version : `npm:${name}@${version}`;
}

export const versionsOf = (dependencies: readonly string[]): Record<string, string> =>
  Object.fromEntries(dependencies.map((name) => [name, versionOf(name)]));
