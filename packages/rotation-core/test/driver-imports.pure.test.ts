import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, '../src');

// Red with `instanceof MongoError`: a class of our copy of the driver says nothing about the objects of the service's copy.
test('the source takes nothing but types from the driver', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const sources = files.map((name) => readFileSync(join(SOURCE, name), 'utf8'));
  const imports = sources.flatMap((text) => text.split(/;\n/).filter((part) => / from '(mongodb|bson)'$/.test(part)));
  expect(imports.length).toBeGreaterThan(5);
  expect(imports.filter((statement) => !/(^|\n)import type [^;]*$/.test(statement))).toEqual([]);
});
