import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { recordCommands } from './support/command-log.ts';
import { backups, binding, claimedBefore, key, seed } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { archivingPool, deletingPool, keepingPool } from './support/pools.ts';

const database = await openTestDatabase('transaction');
const db = await database.connect({ monitorCommands: true });
const commands = recordCommands(db);
await createRotator(db, archivingPool).ensureIndexes();
afterAll(() => database.close());

/** Commands that the driver sends on its own account. */
const OWN_COMMANDS = new Set(['hello', 'ismaster', 'endSessions', 'ping']);

describe.each([
  [deletingPool, 'find find find delete update find update update commitTransaction'],
  [archivingPool, 'find find find delete update update find update update commitTransaction'],
  [keepingPool, 'find find find update update find update update commitTransaction'],
] as const)('a rotation ($name)', (pool, expected) => {
  // Red where any step forgets its session: its command would then carry another lsid and no txnNumber.
  test('sends every command from the start to the commit in one transaction', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(3), bindings: [binding('p1', 'k1')] });
    commands.length = 0;
    asRotated(await createRotator(db, pool).rotate('k1'));
    const sent = commands.filter(({ commandName }) => !OWN_COMMANDS.has(commandName));
    expect(sent.map(({ commandName }) => commandName).join(' ')).toBe(expected);
    const [first] = sent;
    for (const { command } of sent) {
      expect(command['autocommit']).toBe(false);
      expect(command['txnNumber']).toEqual(first?.command['txnNumber']);
      expect(command['lsid']).toEqual(first?.command['lsid']);
    }
    expect(first?.command).toMatchObject({ startTransaction: true, readConcern: { level: 'majority' } });
    expect(sent.at(-1)?.command).toMatchObject({ writeConcern: { w: 'majority' } });
    const starts = sent.filter(({ command }) => command['startTransaction'] === true);
    expect(starts).toHaveLength(1);
  });

  test('of 20 keys sends as many commands as that of one', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `k${String(index)}`);
    await seed(db, pool, { keys: ids.map((id) => key(id)), backups: backups(20) });
    commands.length = 0;
    const rotator = createRotator(db, pool);
    await Promise.all(ids.map((id) => rotator.rotate(id)));
    const sent = commands.map(({ commandName }) => commandName).filter((name) => !OWN_COMMANDS.has(name));
    expect(sent.join(' ')).toBe(expected);
  });
});

test('answers from evidence are read in a transaction that is committed too', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
  const rotator = createRotator(db, deletingPool);
  await rotator.rotate('k1');
  for (const id of ['k1', 'never']) {
    commands.length = 0;
    await rotator.rotate(id);
    expect(commands.map(({ commandName }) => commandName)).toContain('commitTransaction');
    expect(commands.every(({ command }) => command['autocommit'] === false)).toBe(true);
  }
});

test('a rotation that is undone is aborted on the server, not left to its lifetime', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: [...backups(1), claimedBefore(key('k1'))] });
  commands.length = 0;
  await expect(createRotator(db, deletingPool).rotate('k1')).rejects.toMatchObject({ code: 'inconsistent' });
  const sent = commands.map(({ commandName }) => commandName);
  expect(sent).not.toContain('commitTransaction');
  expect(sent.at(-1)).toBe('abortTransaction');
});
