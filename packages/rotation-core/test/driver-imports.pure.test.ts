import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, '../src');

// Red with `instanceof MongoError`: a class of our copy of the driver says nothing about the objects of the service's copy.
test('the source takes nothing but types from the driver', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const imports = files.flatMap((name) => {
    const text = readFileSync(join(SOURCE, name), 'utf8');
    return [...text.matchAll(/^import .*? from '(mongodb|bson|mongoose)';$/gms)].map(([statement]) => statement);
  });
  expect(imports.length).toBeGreaterThan(5);
  expect(imports.filter((statement) => !statement.startsWith('import type '))).toEqual([]);
});
