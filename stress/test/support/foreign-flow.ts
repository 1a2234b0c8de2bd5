/*
 * A program of the protocol that runs a flow of this repository as if it were somebody's own: `node foreign-flow.ts SUBJECT`. With
 * `--hasty` it answers no-backup for k1 as soon as it has looked for the key.
 */
import { createInterface } from 'node:readline';
import { MongoClient } from 'mongodb';
import { keysOf } from 'rotation-core/parts';
import { adapters } from '../../src/adapters.ts';
import { chooseSubject } from '../../src/subjects/index.ts';
import type { CallLine } from '../../src/subjects/exec/answer.ts';
import type { ToldOutcome } from '../../src/history.ts';

const [, , name = '', mode] = process.argv;
const { MONGODB_URI = '', ROTATION_DATABASE = '' } = process.env;
const client = new MongoClient(MONGODB_URI);
const db = client.db(ROTATION_DATABASE);
const nobody = { claimed: () => {}, conflicted: () => {}, lostRace: () => {} };

async function rotate({ pool: poolName, key }: CallLine): Promise<ToldOutcome> {
  const [pool] = adapters.get(poolName) ?? [];
  if (pool === undefined) throw new TypeError(`no pool ${poolName}`);
  if (mode === '--hasty' && key === 'k1') {
    await keysOf(db, pool).findOne({ _id: key });
    return { kind: 'no-backup' };
  }
  return chooseSubject({ subject: name }).open(db, pool, nobody, { gated: true }).rotate(0, key);
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line) as CallLine;
  const told = await rotate(call);
  const more =
    told.kind === 'error' ? { text: told.message } : 'replacement' in told ? { replacement: told.replacement } : {};
  process.stdout.write(`${JSON.stringify({ id: call.id, outcome: told.kind, ...more })}\n`);
}
await client.close();
