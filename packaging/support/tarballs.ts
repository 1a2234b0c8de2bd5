import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pnpm } from './run.ts';

export const ROOT = join(import.meta.dirname, '../..');

/** What the packaging tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly main?: string;
  readonly types?: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly typesVersions?: Readonly<Record<'*', Readonly<Record<string, readonly string[]>>>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly keywords?: readonly string[];
  readonly repository?: unknown;
  readonly sideEffects?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface PublishedPackage {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The packages that are not private, in the order of their names. */
export const PUBLISHED: readonly PublishedPackage[] = globSync('packages/*/package.json', { cwd: ROOT })
  .toSorted()
  .map((path) => join(ROOT, dirname(path)))
  .map((folder) => ({ folder, manifest: readManifest(folder), name: readManifest(folder).name }))
  .filter(({ manifest }) => manifest.private !== true);

/** Absolute paths of the tarballs, by the package's name. */
export type Tarballs = Readonly<Record<string, string>>;

/** Packs each published package into the folder, built anew. @throws Error with the output of pnpm */
export async function packAll(destination: string): Promise<Tarballs> {
  const filters = PUBLISHED.flatMap(({ name }) => ['--filter', name]);
  const packed = await pnpm(['--recursive', ...filters, 'pack', '--pack-destination', destination], { cwd: ROOT });
  if (packed.code !== 0) throw new Error(packed.output);
  return Object.fromEntries(
    PUBLISHED.map(({ name, manifest }) => [name, join(destination, `${name}-${manifest.version}.tgz`)]),
  );
}
