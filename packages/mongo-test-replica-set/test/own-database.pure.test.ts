import { expect, test } from 'vitest';
import { assertOwnDatabase, createDatabaseName } from 'mongo-test-replica-set';

test.each([
  { options: {}, prefix: 'test_', longestLabel: 45 },
  { options: { prefix: 'shop_' }, prefix: 'shop_', longestLabel: 45 },
  { options: { prefix: 'p'.repeat(48) + '-' }, prefix: 'p'.repeat(48) + '-', longestLabel: 1 },
])(
  'a name created with the prefix "$prefix" is ours, new each time and short enough for MongoDB',
  ({ options, prefix, longestLabel }) => {
    const label = 'x'.repeat(longestLabel);
    const name = createDatabaseName(label, options);
    expect(name).toMatch(new RegExp(`^${prefix}${label}_[0-9a-f]{12}$`));
    expect(Buffer.byteLength(name)).toBe(63);
    expect(createDatabaseName(label, options)).not.toBe(name);
    expect(() => assertOwnDatabase(name, options)).not.toThrow();
    expect(() => createDatabaseName(label + 'x', options)).toThrow(`A label is 1 to ${longestLabel} of`);
  },
);

test.each(['admin', 'inventory', 'Test_x', ' test_x', 'test_', ''])('"%s" is not ours', (name) => {
  expect(() => assertOwnDatabase(name)).toThrow('is not a test database');
});

test('a database is ours under its own prefix alone', () => {
  expect(() => assertOwnDatabase(createDatabaseName('x'), { prefix: 'shop_' })).toThrow('start with "shop_"');
  expect(() => assertOwnDatabase(createDatabaseName('x', { prefix: 'shop_' }))).toThrow('start with "test_"');
  expect(() => assertOwnDatabase('shop_', { prefix: 'shop_' })).toThrow('is not a test database');
});

test.each(['', 'a b', 'a.b', 'a/b', 'A', 'x'.repeat(46)])('the label "%s" is refused', (label) => {
  expect(() => createDatabaseName(label)).toThrow('A label is 1 to 45');
});

// Every database would begin with '', and admin with 'a' or 'admin'.
test.each(['', 'a', 'admin', 'a b_', 'a.b_', 'A_', `_\n`, 'x'.repeat(49) + '_'])(
  'the prefix "%s" is refused',
  (prefix) => {
    expect(() => createDatabaseName('x', { prefix })).toThrow('A prefix is 1 to 49');
    expect(() => assertOwnDatabase(`${prefix}x`, { prefix })).toThrow('A prefix is 1 to 49');
  },
);
