/*
 * All entries but `mongo-interleave/fast-check`, which is for ES modules: fast-check's CommonJS build has types of its own.
 * Compiled and run outside the workspace, as ESM and as CommonJS, by each compiler of consumers.test.ts. A line below `@ts-expect-error` is
 * an error only if the types of the entry were found: with `any` in their place the comment itself is one.
 */
import {
  classifyFailure,
  createRotator,
  incarnationOf,
  keypool,
  type KeyDocument,
  type RotationOutcome,
} from 'keypool';
import { MongoClient, type Db } from 'mongodb';
import { runCommandLine, type System } from 'mongo-harness';
import * as harnessParts from 'mongo-harness/testing';
import { interleave, parseToken, type InterleaveOptions } from 'mongo-interleave';
import { openGate } from 'mongo-interleave/gate';
import { createDatabaseName, startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';
import { definePool, type Pool } from 'rotation-core';
import { referenceFlow, type FlowParts } from 'rotation-core/testing';

export async function onFailure(db: Db, key: KeyDocument, status: number): Promise<RotationOutcome | undefined> {
  const verdict = classifyFailure(keypool, { status, body: '' });
  if (verdict.action !== 'rotate') return undefined;
  const rotator = createRotator(db, keypool);
  return rotator.rotate(key._id, { incarnation: incarnationOf(key), reason: verdict.reason });
}

export const withSet = async (use: (set: ReplicaSet) => Promise<void>): Promise<void> => {
  const set = await startReplicaSet({ members: 1 });
  try {
    await use(set);
  } finally {
    await set.stop();
  }
};

export type Scenario = InterleaveOptions<string>;
export type OwnSystem = System<never>;

export function wrong(db: Db): void {
  // @ts-expect-error rotation-core: a pool has collections
  definePool({ name: 'mine' });
  // @ts-expect-error keypool
  createRotator(db, 1);
  // @ts-expect-error openhands
  const one: number = openhands;
  // @ts-expect-error openhandspool
  const two: number = openhandspool;
  // @ts-expect-error rotation-core/testing
  const three: number = referenceFlow;
  // @ts-expect-error mongo-interleave
  void interleave(1);
  // @ts-expect-error mongo-interleave/gate
  void openGate(1);
  // @ts-expect-error mongo-harness
  const four: number = runCommandLine;
  // @ts-expect-error mongo-harness/testing
  void harnessParts.thereIsNoSuchExport;
  // @ts-expect-error mongo-test-replica-set
  void startReplicaSet({ provider: 'none' });
  void [one, two, three, four];
}

const pools: readonly Pool[] = [keypool, openhands, openhandspool];
const parts: FlowParts = referenceFlow;
const found = {
  pools: pools.map(({ name }) => name),
  parts: Object.keys(parts).length > 0,
  functions: [interleave, openGate, runCommandLine, startReplicaSet, MongoClient].map((each) => typeof each),
  harnessParts: Object.keys(harnessParts).length > 0,
  token: JSON.stringify(parseToken('v1:AB')) !== undefined,
  database: createDatabaseName('outside').startsWith('test_outside_'),
};
process.stdout.write(JSON.stringify(found));
