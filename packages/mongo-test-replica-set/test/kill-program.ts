// A host program that has nothing else to do than to wait for the end of mongods, whose processes do not hold it; run by process-end.test.ts.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalMember } from '../src/local-member.ts';
import { startLocalSet } from './local-set.ts';

const TIMES = 5;

const set = await startLocalSet({ members: 1 });
const ports = set.members.map(({ port }) => port);
const binary = { path: set.mongod ?? '', version: set.serverVersion };
await set.stop();

for (let time = 0; time < TIMES; time++) {
  const folder = await mkdtemp(join(tmpdir(), 'kill-program-'));
  const members = ports.map((port, index) => {
    const dataFolder = join(folder, String(index));
    return createLocalMember({ index, host: '127.0.0.1', port }, dataFolder, binary, []);
  });
  await Promise.all(members.map(({ dataFolder }) => mkdir(dataFolder)));
  await Promise.all(members.map((member) => member.launch()));
  // As a start that is aborted does, when some are launched and others are not.
  for (const member of members) member.killSync();
  await Promise.all(members.map((member) => member.kill()));
  await rm(folder, { recursive: true });
}
process.stdout.write('killed\n');
