import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { nodeCommand, nodes } from './support/nodes.ts';
import { installOutside } from './support/outside.ts';
import { run, runOrThrow } from './support/run.ts';
import { versionOf, versionsOf } from './support/versions.ts';

/*
 * What the peer range and `engines` say, tried: a service's project with each driver, on each Node.js. PACKAGING=all runs all of them,
 * otherwise the newest driver and the oldest Node.js.
 */

const everything = process.env['PACKAGING'] === 'all';
const temporary = inject('temporary');

interface Driver {
  readonly title: string;
  /** Ranges by name, as in a service's package.json. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Where the service's Db comes from. */
  readonly client: 'driver' | 'mongoose';
  /** The version of the driver that talks to the database begins so. */
  readonly version: string;
}

const newest = versionOf('mongodb');
const DRIVERS: readonly Driver[] = [
  { title: 'driver 6.9', dependencies: { mongodb: '~6.9.0' }, client: 'driver', version: '6.9.' },
  { title: 'driver 6, newest', dependencies: { mongodb: '^6.9.0' }, client: 'driver', version: '6.' },
  { title: 'driver 7.0', dependencies: { mongodb: '~7.0.0' }, client: 'driver', version: '7.0.' },
  { title: 'driver 7, newest', dependencies: { mongodb: newest }, client: 'driver', version: newest },
  // mongoose has a driver of its own, and the packages get another copy beside it.
  { title: 'mongoose 8', dependencies: { mongoose: '^8.0.0', mongodb: newest }, client: 'mongoose', version: '6.' },
  { title: 'mongoose 9', dependencies: { mongoose: '^9.0.0', mongodb: newest }, client: 'mongoose', version: '7.' },
];
const drivers = everything ? DRIVERS : DRIVERS.filter(({ title }) => title === 'driver 7, newest');

const FOUND = {
  alone: ['bound', 'rotated', 'two', 1, 2, 'no-backup'],
  binding: { bound: 20, 'already-bound': 140 },
  rotating: { rotated: 20, 'already-rotated': 140 },
  used: 21,
};

let set: ReplicaSet;
beforeAll(async () => {
  set = await startReplicaSet();
});
afterAll(() => set.stop());

describe.each(drivers)('$title', ({ title, dependencies, client, version }) => {
  const folder = join(temporary, title.replaceAll(/\W+/g, '-'));

  beforeAll(async () => {
    const packages = ['rotation-core', 'keypool'];
    const registry = { ...dependencies, ...versionsOf(['@types/node']) };
    await installOutside({ folder, tarballs: inject('tarballs'), packages, registry });
    await cp(join(import.meta.dirname, 'programs/use-driver.mjs'), join(folder, 'use-driver.mjs'));
  });

  test.each(nodes)('Node.js %s', async (node) => {
    const database = `rotation_outside_${title.replaceAll(/\W+/g, '_')}_${node.replace('.', '_')}`;
    const command = nodeCommand(node, 'use-driver.mjs', set.uri, database, client);
    const printed = await runOrThrow(...command, { cwd: folder });
    const { version: found, ...rest } = JSON.parse(printed) as { version: string };
    expect(found.slice(0, version.length)).toBe(version);
    expect(rest).toEqual(FOUND);
  });

  test.runIf(client === 'mongoose')('its Db is accepted by the types', async () => {
    await cp(join(import.meta.dirname, 'programs/mongoose-db.ts'), join(folder, 'mongoose-db.ts'));
    await cp(join(import.meta.dirname, 'programs/tsconfig.mongoose.json'), join(folder, 'tsconfig.json'));
    const tsc = join(inject('outside'), 'node_modules/typescript/bin/tsc');
    expect(await run(process.execPath, [tsc], { cwd: folder })).toEqual({ code: 0, output: '', stdout: '' });
  });
});
