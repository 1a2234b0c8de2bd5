import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pnpm } from './run.ts';
import type { Tarballs } from './tarballs.ts';

interface OutsideProject {
  /** An absolute path outside the workspace. */
  readonly folder: string;
  readonly tarballs: Tarballs;
  /** Names of the packages that it depends on. */
  readonly packages: readonly string[];
  /** What comes from the registry that npm is configured with: versions, or ranges, by name. */
  readonly registry: Readonly<Record<string, string>>;
}

/**
 * Makes a project that has nothing of the workspace but the tarballs, and installs it. The packages are not in a registry yet, so what
 * they depend on among themselves is told to be the tarballs, too.
 *
 * @throws Error with the output of pnpm if the exit code is not 0, as it is when there are build scripts nobody decided about
 */
export async function installOutside({ folder, tarballs, packages, registry }: OutsideProject): Promise<void> {
  await mkdir(folder, { recursive: true });
  const own = Object.fromEntries(packages.map((name) => [name, `file:${tarballs[name]}`]));
  const manifest = { name: 'outside', private: true, dependencies: { ...registry, ...own } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  const overrides = Object.entries(tarballs).map(([name, path]) => `  ${name}: ${JSON.stringify(`file:${path}`)}\n`);
  await writeFile(join(folder, 'pnpm-workspace.yaml'), `packages: []\noverrides:\n${overrides.join('')}`);
  const { code, output } = await pnpm(['install', '--prefer-offline'], { cwd: folder });
  if (code !== 0) throw new Error(output);
}
