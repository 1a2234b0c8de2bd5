import { globSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { run, runOrThrow } from './support/run.ts';
import { PUBLISHED, readManifest, ROOT } from './support/tarballs.ts';

const tarballs = inject('tarballs');
const unpacked = join(inject('temporary'), 'unpacked');
const folderOf = (name: string): string => join(unpacked, name, 'package');
const filesOf = (name: string): string[] =>
  globSync('**/*', { cwd: folderOf(name), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folderOf(name), join(entry.parentPath, entry.name)));
const read = (name: string, file: string): string => readFileSync(join(folderOf(name), file), 'utf8');

/** The command of a dev dependency. */
const commandOf = (dependency: string, file: string): string =>
  join(import.meta.dirname, 'node_modules', dependency, file);

beforeAll(async () => {
  for (const { name } of PUBLISHED) {
    const cwd = join(unpacked, name);
    await mkdir(cwd, { recursive: true });
    await runOrThrow('tar', ['-xzf', tarballs[name] ?? ''], { cwd });
  }
});

test('these packages are published', () => {
  expect(PUBLISHED.map(({ name }) => name)).toEqual([
    'keypool',
    'mongo-harness',
    'mongo-interleave',
    'mongo-test-replica-set',
    'openhands',
    'openhandspool',
    'rotation-core',
  ]);
});

test('they are released together, with one version', () => {
  const { fixed } = JSON.parse(readFileSync(join(ROOT, '.changeset/config.json'), 'utf8')) as { fixed: string[][] };
  expect(fixed).toEqual([PUBLISHED.map(({ name }) => name)]);
  expect(new Set(PUBLISHED.map(({ manifest }) => manifest.version)).size).toBe(1);
});

describe.each(PUBLISHED)('$name', ({ name, folder, manifest: source }) => {
  test('has licence, readme, code, types and maps, and no file that its sources do not have', () => {
    const files = filesOf(name);
    const sources = globSync('src/**/*.ts', { cwd: folder });
    const built = sources.flatMap((path) => {
      const stem = path.replace(/^src\//, 'dist/').replace(/\.ts$/, '');
      return [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`, `${stem}.d.ts.map`];
    });
    expect(files.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json', ...sources, ...built].toSorted());
    expect(read(name, 'LICENSE')).toBe(readFileSync(join(ROOT, 'LICENSE'), 'utf8'));
  });

  test('each map leads to a file of the tarball', () => {
    const files = filesOf(name);
    const missing = files
      .filter((file) => file.endsWith('.map'))
      .flatMap((file) => {
        const { sources } = JSON.parse(read(name, file)) as { sources: string[] };
        return sources.map((path) => normalize(join(dirname(file), path)));
      })
      .filter((path) => !files.includes(path));
    expect(missing).toEqual([]);
  });

  test('its package.json leads to files, and names versions that a registry can have', () => {
    const manifest = readManifest(folderOf(name));
    const targets = Object.values(manifest.exports ?? {}).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    const paths = [
      manifest.main,
      manifest.types,
      ...targets,
      ...Object.values(manifest.typesVersions?.['*'] ?? {}).flat(),
    ];
    const files = filesOf(name);
    const missing = paths.filter((path) => path === undefined || !files.includes(normalize(path)));
    expect(missing).toEqual([]);
    expect(JSON.stringify({ ...manifest.dependencies, ...manifest.peerDependencies })).not.toMatch(
      /workspace:|catalog:/,
    );
  });

  test('each entry is found without the exports map, too', () => {
    const { exports = {}, main, types, typesVersions } = readManifest(folderOf(name));
    const entries = Object.entries(exports).filter(([entry]) => entry !== './package.json');
    const older = entries.map(([entry]) =>
      entry === '.' ? { types, default: main } : { types: typesVersions?.['*'][entry.slice(2)]?.[0] },
    );
    expect(entries.map(([, target], index) => ({ ...(target as object), ...older[index] }))).toEqual(
      entries.map(([, target]) => target),
    );
  });

  test('says the same as its neighbours where they must agree', () => {
    const root = readManifest(ROOT);
    expect(source.engines).toEqual({ node: '>=22.12' });
    expect(source.sideEffects).toBe(false);
    expect(source.keywords).toContain('mongodb');
    expect(source.repository).toEqual(root.repository);
  });

  test('publint finds nothing', async () => {
    const { code, output } = await run(
      process.execPath,
      [commandOf('publint', 'src/cli.js'), tarballs[name] ?? '', '--strict'],
      {
        cwd: unpacked,
      },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All good!') as string });
  });

  test('attw finds the types from each kind of project', async () => {
    // A CommonJS file gets the package by require(esm), which TypeScript before 5.8 does not know: consumers.test.ts shows what each does.
    const args = [tarballs[name] ?? '', '--ignore-rules', 'cjs-resolves-to-esm', '--no-color'];
    const { code, output } = await run(
      process.execPath,
      [commandOf('@arethetypeswrong/cli', 'dist/index.js'), ...args],
      {
        cwd: unpacked,
      },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('No problems found') as string });
  });
});
