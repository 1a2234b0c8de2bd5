import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { expect, test } from 'vitest';
import type { interleave } from '../src/index.ts';
import { compareFlows, type About } from './support/differential.ts';

/* The differential test finds what it is there for: each hole is put back into a copy of the source, and a flow shows it. */

interface Hole {
  readonly what: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly right: string;
  readonly wrong: string;
  /** A flow among the {@link MAX_FLOWS} from this seed shows it. */
  readonly seed: number;
  /** What those flows are about. */
  readonly about?: About;
}

const HOLES: readonly Hole[] = [
  {
    what: 'a collated index takes no other strings for equal',
    file: 'footprint/schema-reader.ts',
    right: 'folds: collation !== undefined',
    wrong: 'folds: false',
    seed: 240,
    about: { shelf: 'collated', focus: 'keys' },
  },
  {
    what: 'only the indexed fields bring a document into a partial index',
    file: 'footprint/schema-reader.ts',
    right: 'decisive: [...fields, ...pathsIn(partialFilterExpression)]',
    wrong: 'decisive: fields',
    seed: 0,
    about: {
      shelf: 'partial',
      focus: 'keys',
      documents: [
        { _id: 1, a: 'x', b: 0 },
        { _id: 2, a: 'x', b: 0 },
        { _id: 3, a: 'x', b: 0 },
      ],
    },
  },
  {
    what: 'nobody sees the order of insertion',
    file: 'strategy/dependence.ts',
    right: 'return this.#observed !== before;',
    wrong: 'this.#observed = before; return false;',
    seed: 0,
    about: { shelf: 'plain', focus: 'order' },
  },
  {
    what: 'another database has no unique index',
    file: 'footprint/schema-reader.ts',
    right: "return { kind: 'collection', unique, folds",
    wrong: "return { kind: 'collection', unique: db.databaseName.endsWith('_2') ? [] : unique, folds",
    seed: 0,
    about: { shelf: 'elsewhere', focus: 'keys' },
  },
  {
    what: 'a cursor goes on in its own collection only',
    file: 'footprint/transactions.ts',
    right: "if (commandName(body) === 'getMore') return",
    wrong:
      "if (commandName(body) === 'getMore') return { reads: [{ namespace: namespaceOf(body) ?? '', fields: new Map() }], orderedReads: [], readsLog: false }; if (body['nothing'] !== undefined) return",
    seed: 0,
    about: { shelf: 'plain', focus: 'cursors' },
  },
  {
    what: 'only ObjectIds and UUIDs are drawn anew in each run',
    file: 'footprint/value-names.ts',
    right: 'for (const place of this.#places.get(text) ?? [])',
    wrong: String.raw`for (const place of /^id |^string [0-9a-f-]{36}$/.test(text) ? (this.#places.get(text) ?? []) : [])`,
    seed: 0,
    about: { shelf: 'plain', focus: 'tokens', clients: 3 },
  },
  {
    what: 'a client goes on only when it has all replies',
    file: 'strategy/dependence.ts',
    right: 'if (hasChains && !before.chains)',
    wrong: 'if (!hasChains && hasChains)',
    seed: 0,
    about: { shelf: 'plain', focus: 'chains', clients: 2 },
  },
  {
    what: 'time at the gate does not count',
    file: 'gate/gate.ts',
    right: 'spoilt: (error) => this.#spoil(error),',
    wrong: 'spoilt: () => undefined,',
    seed: 490,
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

const MAX_FLOWS = 60;
const MAX_MS_PER_FLOW = 5_000;

test.each(HOLES)('$what', { timeout: 60_000 + MAX_FLOWS * MAX_MS_PER_FLOW }, async (hole) => {
  const { uri } = exploringSet();
  const flows = { first: hole.seed, count: MAX_FLOWS, about: hole.about };
  const { differences } = await withHole(hole, (changed) =>
    compareFlows(changed, { uri, database: createTestDatabaseName('hole') }, flows, 1),
  );
  expect(differences).toHaveLength(1);
});
