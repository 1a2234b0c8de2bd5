import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { expect, test } from 'vitest';
import type { interleave } from '../src/index.ts';
import { compareFlows } from './support/differential.ts';

/* The differential test finds what it is there for: each hole is put back into a copy of the source, and a flow shows it. */

interface Hole {
  readonly what: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly right: string;
  readonly wrong: string;
  /** A flow among the ten from this seed shows it. */
  readonly seed: number;
}

const HOLES: readonly Hole[] = [
  {
    what: 'a collated index takes no other strings for equal',
    file: 'footprint/schema-reader.ts',
    right: 'folds: collation !== undefined',
    wrong: 'folds: false',
    seed: 0,
  },
  {
    what: 'only the indexed fields bring a document into a partial index',
    file: 'footprint/schema-reader.ts',
    right: 'decisive: [...fields, ...pathsIn(partialFilterExpression)]',
    wrong: 'decisive: fields',
    seed: 0,
  },
  {
    what: 'nobody sees the order of insertion',
    file: 'strategy/dependence.ts',
    right: 'return this.#observed !== before;',
    wrong: 'this.#observed = before; return false;',
    seed: 0,
  },
  {
    what: 'another database has no unique index',
    file: 'footprint/schema-reader.ts',
    right: "return { kind: 'collection', unique, folds",
    wrong: "return { kind: 'collection', unique: db.databaseName.endsWith('_2') ? [] : unique, folds",
    seed: 0,
  },
  {
    what: 'a cursor goes on in its own collection only',
    file: 'footprint/transactions.ts',
    right: "if (commandName(body) === 'getMore') return",
    wrong:
      "if (commandName(body) === 'getMore') return { reads: [{ namespace: namespaceOf(body) ?? '', fields: new Map() }], orderedReads: [], readsLog: false }; if (body['nothing'] !== undefined) return",
    seed: 0,
  },
  {
    what: 'only ObjectIds and UUIDs are drawn anew in each run',
    file: 'footprint/value-names.ts',
    right: 'const key = `${client} ${text}`;',
    wrong: 'const key = `${client} ${text}`; if (!looksDrawn(text)) return;',
    seed: 0,
  },
];

async function withHole<R>({ file, right, wrong }: Hole, use: (changed: typeof interleave) => Promise<R>): Promise<R> {
  const copy = await mkdtemp(join(tmpdir(), 'mongo-interleave-with-hole-'));
  try {
    await cp(join(import.meta.dirname, '../src'), copy, { recursive: true });
    await symlink(join(import.meta.dirname, '../node_modules'), join(copy, 'node_modules'));
    const source = await readFile(join(copy, file), 'utf8');
    expect(source.split(right)).toHaveLength(2);
    await writeFile(join(copy, file), source.replace(right, wrong));
    const changed = (await import(join(copy, 'interleave.ts'))) as { readonly interleave: typeof interleave };
    return await use(changed.interleave);
  } finally {
    await rm(copy, { recursive: true });
  }
}

const flowCount = Number(process.env['INTERLEAVE_FLOWS'] ?? 10);

test.each(HOLES)('$what', { timeout: 60_000 + flowCount * 5_000 }, async (hole) => {
  const { uri } = exploringSet();
  const found = await withHole(hole, (changed) =>
    compareFlows(changed, { uri, database: createTestDatabaseName('hole') }, { first: hole.seed, count: flowCount }, 1),
  );
  (await import('node:fs')).appendFileSync('/tmp/h/hole-results', JSON.stringify([hole.what, found]) + '\n');
  expect(found.differences).toHaveLength(1);
});
