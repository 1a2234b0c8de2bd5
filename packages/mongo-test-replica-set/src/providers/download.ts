import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { installMongod } from '../cache-folder.ts';
import { startLocalDeployment } from '../local-deployment.ts';
import { ReplicaSetError, firstLine } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import { runTool } from '../run-tool.ts';
import type { Environment, Settings } from '../settings.ts';

const SERVER = { host: 'fastdl.mongodb.org', port: 443 };
const MAX_REACH_MS = 3_000;
/** The archive has 80 to 200 MB, depending on the platform. */
const MAX_DOWNLOAD_MS = 300_000;

/**
 * The library's download runs in a child process: the process can be killed, and progress lines stay out of this
 * process's output.
 */
const DOWNLOAD_SCRIPT = `
  const { MongoBinary } = require(process.argv[1]);
  MongoBinary.getPath({ downloadDir: process.argv[2] }).then(
    (path) => process.stdout.write('\\nmongod=' + path + '\\n'),
    (error) => { process.stderr.write(String(error.message).split('\\n')[0] + '\\n'); process.exitCode = 1; },
  );
`;

/**
 * Starts the official mongod of this platform, which mongodb-memory-server-core downloads and checks by its checksum.
 */
export async function startFromDownload(settings: Settings): Promise<ProviderOutcome> {
  if (!usesProxy(settings.environment) && !(await isReachable(settings.signal))) {
    return { kind: 'passed-over', reason: `${SERVER.host} is not reachable` };
  }
  try {
    const binary = await installMongod('download', settings, (folder) => download(folder, settings));
    return { kind: 'running', deployment: await startLocalDeployment(binary, settings) };
  } catch (error) {
    if (error instanceof ReplicaSetError && error.code === 'unusable') {
      return { kind: 'passed-over', reason: firstLine(error) };
    }
    throw error;
  }
}

async function download(folder: string, settings: Settings): Promise<string> {
  const library = createRequire(import.meta.url).resolve('mongodb-memory-server-core');
  const result = await runTool(process.execPath, ['-e', DOWNLOAD_SCRIPT, library, folder], {
    maxRunMs: MAX_DOWNLOAD_MS,
    signal: settings.signal,
    endOnInterrupt: settings.endOnInterrupt,
    environment: {
      ...settings.environment,
      // Into `folder` and nowhere else. No retries: the next provider is tried instead.
      MONGOMS_PREFER_GLOBAL_PATH: 'false',
      MONGOMS_RUNTIME_DOWNLOAD: 'true',
      MONGOMS_SYSTEM_BINARY: undefined,
      MONGOMS_MAX_RETRIES: '1',
    },
  });
  if (result.kind !== 'done') {
    throw new ReplicaSetError('unusable', result.kind === 'failed' ? result.reason : 'Node.js was not found');
  }
  const path = /^mongod=(.+)$/m.exec(result.output)?.[1];
  if (path === undefined) throw new ReplicaSetError('unusable', 'the download has no mongod in it');
  if (path.startsWith(folder)) return path;
  // The library has found a mongod elsewhere. That file belongs to somebody else and must not be moved.
  const copy = join(folder, 'mongod');
  await copyFile(path, copy);
  return copy;
}

/** Behind a proxy the server's name need not resolve on this machine, so the server's reachability says nothing. */
function usesProxy(environment: Environment): boolean {
  return ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].some((name) => Boolean(environment[name]));
}

function isReachable(signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...SERVER, timeout: MAX_REACH_MS, ...(signal === undefined ? {} : { signal }) });
    const answer = (reachable: boolean): void => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
