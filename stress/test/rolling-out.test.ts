import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { inspect, promisify } from 'node:util';
import { keypool } from 'keypool';
import type { CommandStartedEvent } from 'mongodb';
import { createRotator, definePool, type Rotator } from 'rotation-core';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import { oneMemberSet, openPage, openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { COLUMNS, MEASURED } from '../bench/older-flow-table.ts';
import { openOlderFlow } from '../src/flows/older-flow.ts';

/* The code of docs/rolling-out.md runs here, beside the flow that a service had before. */

const page = await openPage(new URL('../../docs/rolling-out.md', import.meta.url), import.meta.url);
const database = await openTestDatabase('rolling_out');
const { db } = database;
afterAll(() => database.close());
const [keys, backups, bindings] = [keysOf(db, keypool), backupsOf(db, keypool), bindingsOf(db, keypool)];

const nobody = { claimed: () => {}, conflicted: () => {}, lostRace: () => {} };
const olderFlow = openOlderFlow(db, keypool, nobody, { gated: false, uri: '' });
const rotateAsBefore = (keyId: string) => olderFlow.call(0, { op: 'rotate', keyId });

beforeEach(async () => {
  await db.dropDatabase();
  const made = (_id: string) => ({ _id, apiKey: `made up ${_id}`, createdAt: new Date() });
  await keys.insertMany(['k1', 'k2', 'k3'].map((id) => made(id)));
  await backups.insertMany(['b1', 'b2', 'b3', 'b4'].map((id) => ({ ...made(id), isUsed: false })));
  await bindings.insertMany(['k1', 'k2', 'k3'].map((id) => ({ proxyId: `proxy of ${id}`, factoryKeyId: id })));
});

test('step by step', async () => {
  const rotator = createRotator(db, keypool);
  expect(await rotateAsBefore('k1')).toMatchObject({ kind: 'rotated' });

  // INDEXES
  const missing = await rotator.checkIndexes(); // look at them first
  await rotator.ensureIndexes();
  // END
  page.ran('INDEXES');
  expect(missing.length).toBeGreaterThan(0);
  expect(await rotator.checkIndexes()).toEqual([]);

  // Older processes go on as before, and late callers in new processes find what they made.
  expect(await rotateAsBefore('k2')).toMatchObject({ kind: 'rotated' });
  const made = await backups.find({ isUsed: true, usedFor: 'k1' }).toArray();
  expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: made[0]?._id });
  expect(await rotator.rotate('k3')).toMatchObject({ kind: 'rotated' });

  await bindings.insertOne({ proxyId: 'added by an older process', factoryKeyId: 'k3' });
  // SWEEP
  const swept = await rotator.sweep();
  // END
  page.ran('SWEEP');
  page.printed(inspect(swept));
});

test('when the last older process is gone', async () => {
  // AFTER
  const pool = definePool({ ...keypool, maxOlderFlowMs: 0 });
  // END
  page.ran('AFTER');
  await createRotator(db, pool).ensureIndexes();
  const monitored = await database.connect({ monitorCommands: true });
  const sent: string[] = [];
  monitored.client.on('commandStarted', ({ commandName }: CommandStartedEvent) => sent.push(commandName));
  const commandsOf = async (rotator: Rotator, keyId: string): Promise<number> => {
    await rotator.rotate(keyId);
    sent.splice(0);
    expect(await rotator.rotate(keyId === 'k1' ? 'k2' : 'k3')).toMatchObject({ kind: 'rotated' });
    return sent.length;
  };
  const before = await commandsOf(createRotator(monitored, keypool), 'k1');
  await keys.insertOne({ _id: 'k4', apiKey: 'made up', createdAt: new Date() });
  expect(await commandsOf(createRotator(monitored, pool), 'k4')).toBe(before - 1);
});

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

/** The rows of a table in Markdown, the titles first. */
const cellsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (.*) \|$/gm)]
    .map(([, line = '']) => line.split('|').map((cell) => cell.trim()))
    .filter(([first = '']) => !first.startsWith('--'));

test('the table has the rows and the columns that are measured', () => {
  const [titles, ...rows] = cellsOf(page.text.split('pnpm bench:older-flow')[1] ?? '');
  expect(titles).toEqual(COLUMNS.map(({ title }) => title));
  expect(rows.map(([deployment, who]) => ({ deployment, who }))).toEqual(
    MEASURED.map(({ deployment, who }) => ({ deployment, who })),
  );
  const figures = rows.flatMap((cells) => cells.slice(2));
  for (const figure of figures) expect(figure).toMatch(/^\d+( \(\d+ to \d+\))?$/);
});

test('the command prints this table, and the reference keeps what it promises', { timeout: 180_000 }, async () => {
  const [name = ''] = page.take('pnpm bench:older-flow').split(' ').slice(1);
  const root = new URL('../../', import.meta.url);
  const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as Manifest;
  const [, ...argv] = (manifest.scripts[name] ?? '').split(' ');
  const ROUNDS = '1';
  const { stdout } = await promisify(execFile)(process.execPath, [...argv, ROUNDS], {
    cwd: root,
    env: { ...process.env, MONGODB_URI: oneMemberSet().uri },
  });
  expect(cellsOf(stdout).map(([deployment, who]) => [deployment, who])).toEqual(
    cellsOf(page.text.split(name)[1] ?? '').map(([deployment, who]) => [deployment, who]),
  );
});

test('each block of the page was run', () => {
  expect(page.untried()).toEqual([]);
});
