/*
 * A program of the protocol that runs a flow of this repository as if it were somebody's own: `node foreign-flow.ts FLOW`. With
 * `--hasty` it answers no-backup for k1 as soon as it has looked for the key.
 */
import { createInterface } from 'node:readline';
import { isProgram } from 'mongo-harness';
import { MongoClient } from 'mongodb';
import { keysOf } from 'rotation-core/testing';
import { deployments } from '../../src/deployments.ts';
import { flows } from '../../src/flows/index.ts';
import type { Answer } from '../../src/model/rotation-types.ts';

interface CallLine {
  readonly id: number;
  readonly pool: string;
  readonly key: string;
}

const [, , name = '', mode] = process.argv;
const { MONGODB_URI = '', ROTATION_DATABASE = '' } = process.env;
const client = new MongoClient(MONGODB_URI);
const db = client.db(ROTATION_DATABASE);
const nobody = { claimed: () => {}, conflicted: () => {}, lostRace: () => {} };

async function rotate({ pool: poolName, key }: CallLine): Promise<Answer> {
  const [pool] = deployments.find((deployment) => deployment.name === poolName)?.services ?? [];
  if (pool === undefined) throw new TypeError(`no pool ${poolName}`);
  if (mode === '--hasty' && key === 'k1') {
    await keysOf(db, pool).findOne({ _id: key });
    return { kind: 'no-backup' };
  }
  const flow = flows.find((one) => one.name === name);
  if (flow === undefined || isProgram(flow)) throw new TypeError(`no flow ${name}`);
  return flow.open(db, pool, nobody, { gated: true, uri: MONGODB_URI }).call(0, { op: 'rotate', keyId: key });
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line) as CallLine;
  const told = await rotate(call);
  const more =
    told.kind === 'error' ? { text: told.message } : 'replacement' in told ? { replacement: told.replacement } : {};
  process.stdout.write(`${JSON.stringify({ id: call.id, outcome: told.kind, ...more })}\n`);
}
await client.close();
