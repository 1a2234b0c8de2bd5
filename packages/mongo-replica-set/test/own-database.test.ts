import { expect, test } from 'vitest';
import { assertOwnDatabase, createDatabaseName, ownDatabasePrefix } from 'mongo-replica-set';

test('a created name is ours, new each time and short enough for MongoDB', () => {
  const label = 'x'.repeat(40);
  const name = createDatabaseName(label);
  expect(name).toMatch(new RegExp(`^${ownDatabasePrefix}${label}_[0-9a-f]{12}$`));
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  expect(createDatabaseName(label)).not.toBe(name);
  expect(() => assertOwnDatabase(name)).not.toThrow();
});

test.each(['admin', 'keypool', 'Rotation_x', ' rotation_x', 'rotation_', ''])('"%s" is not ours', (name) => {
  expect(() => assertOwnDatabase(name)).toThrow('is not ours');
});

test.each(['', 'a b', 'a.b', 'a/b', 'A', 'x'.repeat(41)])('the label "%s" is refused', (label) => {
  expect(() => createDatabaseName(label)).toThrow('A label is 1 to 40');
});
