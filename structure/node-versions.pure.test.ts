import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * Pages promise the versions of Node.js that `engines` promises, and the code on them runs there. `using` is the one piece of syntax in use
 * that Node.js 22 does not parse: vitest and tsc compile it, but nobody does so for a file that node runs itself.
 */

const ROOT = join(import.meta.dirname, '..');
const exclude = ['**/node_modules/**', 'store/**', '**/dist/**', 'CHANGELOG.md'];
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const pages = globSync(['**/*.md', '.ci/run'], { cwd: ROOT, exclude });

/** As in `22.12`. */
const enginesOf = (folder: string): string => {
  const { engines } = JSON.parse(read(`${folder}/package.json`)) as { engines?: { node: string } };
  return engines?.node.replace('>=', '') ?? '';
};
const engines = new Set(['.', ...globSync('packages/*', { cwd: ROOT })].map(enginesOf).filter((text) => text !== ''));
/** What this repository itself runs on, which it brings along. */
const [, OWN_MAJOR] = /^ {2}node: (\d+)\./m.exec(read('pnpm-workspace.yaml')) ?? [];

/** A major alone is right for the oldest that `engines` names, and for the repository's own. */
const allowed = new Set([...engines, ...[...engines].map((version) => version.split('.')[0]), OWN_MAJOR]);
const versionsIn = (text: string): string[] =>
  [...text.matchAll(/\bNode(?:\.js)? v?(\d+(?:\.\d+)?)/g)].map(([, version = '']) => version);

const USING = /^\s*(?:await )?using \w+ = /m;

describe('versions of Node.js', () => {
  test('on pages are those of engines', () => {
    const wrong = pages.flatMap((page) =>
      versionsIn(read(page))
        .filter((version) => !allowed.has(version))
        .map((version) => `${page}: ${version}`),
    );
    expect(wrong).toEqual([]);
    expect(pages.flatMap((page) => versionsIn(read(page))).length).toBeGreaterThan(5);
    expect(engines.size).toBeGreaterThan(0);
  });

  test('are found', () => {
    expect(versionsIn('Node 20 or newer, Node.js 18.3, Node v16')).toEqual(['20', '18.3', '16']);
    expect(allowed.has('20')).toBe(false);
  });
});

describe('using', () => {
  const blocksOf = (page: string, language: string): string[] =>
    [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code);

  test('is in no JavaScript of a page, and a page with it in TypeScript says what else to write', () => {
    expect(pages.filter((page) => blocksOf(page, 'js').some((code) => USING.test(code)))).toEqual([]);
    const withUsing = pages.filter((page) => blocksOf(page, 'ts').some((code) => USING.test(code)));
    expect(
      withUsing.filter((page) => !/`try \{ \.\.\. \} finally \{ await \w+\.\w+\(\); \}`/.test(read(page))),
    ).toEqual([]);
    expect(withUsing.length).toBeGreaterThan(2);
  });

  test('is not in the sources that a checkout gives to a project on Node.js 22', () => {
    const sources = globSync('packages/{mongo-interleave,mongo-test-replica-set}/src/**/*.ts', { cwd: ROOT });
    expect(sources.filter((file) => USING.test(read(file)))).toEqual([]);
    expect(sources.length).toBeGreaterThan(80);
  });

  test('is found', () => {
    for (const code of ['  await using set = await start();', 'using store = createStore();'])
      expect(code).toMatch(USING);
  });
});
