import { describe, expect, test } from 'vitest';
import {
  findArrowsUp,
  findCircles,
  packageArrows,
  placeOf,
  readImports,
  readSource,
  sourceFiles,
  specifiersOf,
} from './import-graph.ts';

const imports = readImports();

test('every source file has a room in the layout', () => {
  expect(sourceFiles().filter((file) => placeOf(file) === undefined)).toEqual([]);
  expect(imports.length).toBeGreaterThan(500);
});

describe('circles', () => {
  test('no file imports itself through others, types included', () => {
    expect(findCircles(imports)).toEqual([]);
  });

  test('a circle is found, also behind others, and a file that imports itself', () => {
    const chain = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'd' },
    ];
    expect(findCircles(chain)).toEqual([]);
    expect(findCircles([...chain, { from: 'd', to: 'b' }])).toEqual([['b', 'c', 'd']]);
    expect(findCircles([{ from: 'a', to: 'a' }])).toEqual([['a']]);
  });
});

describe('arrows', () => {
  test('lead to rooms below, types included', () => {
    expect(findArrowsUp(imports)).toEqual([]);
  });

  test.each([
    ['packages/mongo-harness/src/report/row.ts', 'packages/mongo-harness/src/storm/run.ts'],
    ['packages/mongo-harness/src/storm/run.ts', 'packages/mongo-harness/src/explore/run.ts'],
    ['packages/mongo-interleave/src/index.ts', 'packages/mongo-harness/src/index.ts'],
    ['packages/mongo-interleave/src/index.ts', 'packages/rotation-core/src/index.ts'],
    ['stress/src/model/pool-state.ts', 'stress/src/nowhere/new.ts'],
  ])('%s must not import %s', (from, to) => {
    expect(findArrowsUp([{ from, to }])).toHaveLength(1);
  });
});

test('all forms of imports are read', () => {
  const text = `import { a } from './a.ts';
import type { B } from './b.ts';
import {
  c,
  type D,
} from './c.ts';
export type { E } from './e.ts';
export * from './f.ts';
import './g.ts';
const h = await import('./h.ts');
// from './comment.ts'
`;
  expect(specifiersOf(text)).toEqual(['a', 'b', 'c', 'e', 'f', 'g', 'h'].map((name) => `./${name}.ts`));
});

test('the picture of the packages in ARCHITECTURE.md has these arrows', () => {
  const [, picture = ''] = /```mermaid\n(flowchart[^`]*stress[^`]*)```/.exec(readSource('ARCHITECTURE.md')) ?? [];
  const drawn = [...picture.matchAll(/^ *([\w-]+) --> ([\w-]+)$/gm)].map(([, from, to]) => `${from} --> ${to}`);
  expect(drawn.toSorted()).toEqual(packageArrows(imports));
});

/** What only a rotation has; unique keys and connection pools are another matter. */
const ROTATION_WORDS =
  /backups?\b|\bbindings?\b|rotat(?:e|ion|or)|api_?key|\b(?:failed|live|retired) key\b|\bkeypool\b|openhands/i;
const NEUTRAL = ['mongo-harness', 'mongo-interleave', 'mongo-test-replica-set'];

describe('words', () => {
  const neutral = sourceFiles().filter((file) => NEUTRAL.includes(placeOf(file)?.packageName ?? ''));

  test('of rotation stand in no source file of the packages that know none', () => {
    const found = neutral.flatMap((file) =>
      readSource(file)
        .split('\n')
        .flatMap((line, index) => (ROTATION_WORDS.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
    expect(neutral.length).toBeGreaterThan(100);
  });

  test.each([
    'const backup = 1',
    'the apiKey',
    'api_key',
    'rotateBatch',
    'a binding of it',
    'the failed key',
    'Rotations',
  ])('"%s" would be found', (line) => {
    expect(line).toMatch(ROTATION_WORDS);
  });

  test.each(['a unique key', 'maxPoolSize', 'keyPattern', 'Object.keys(all)'])('"%s" is another matter', (line) => {
    expect(line).not.toMatch(ROTATION_WORDS);
  });
});
