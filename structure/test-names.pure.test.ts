import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { specifiersOf } from './import-graph.ts';

/*
 * The name of a test file says in which project it runs: `*.pure.test.ts` needs no MongoDB. A file that asks the test kit for one, or
 * starts one, itself or through its support files, is not pure; any other file is.
 */

const ROOT = join(import.meta.dirname, '..');
const NEEDS_MONGODB = /\b(?:openTestDatabase|oneMemberSet|exploringSet|startReplicaSet|startLocalSet)\(|\binject\('/;

/** A test file with what it imports of the tests' own. */
function sourcesOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(join(ROOT, file))) return seen;
  seen.add(file);
  for (const specifier of specifiersOf(readFileSync(join(ROOT, file), 'utf8')))
    if (specifier.startsWith('.') && !specifier.includes('/src/'))
      sourcesOf(normalize(join(dirname(file), specifier)), seen);
  return seen;
}

const needsMongoDB = (file: string): boolean =>
  [...sourcesOf(file)].some((source) => NEEDS_MONGODB.test(readFileSync(join(ROOT, source), 'utf8')));

const files = globSync('{packages,stress,examples,structure}/**/*.test.ts', {
  cwd: ROOT,
  exclude: ['**/node_modules/**'],
}).filter((file) => !file.startsWith('structure/'));

test('a pure test file needs no MongoDB, and any other test file does', () => {
  const misnamed = files.filter((file) => needsMongoDB(file) === file.endsWith('.pure.test.ts'));
  expect(misnamed).toEqual([]);
  expect(files.length).toBeGreaterThan(80);
});

test('a file that starts a set through its support file needs MongoDB', () => {
  expect(needsMongoDB('stress/properties/no-backup-wasted.test.ts')).toBe(true);
  expect(needsMongoDB('stress/test/checker/check-waste.pure.test.ts')).toBe(false);
});
