import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const EXAMPLE = join(import.meta.dirname, '../../../examples/python');
const INSTALL_MAX_MS = 100_000;
const run = promisify(execFile);

/** A command that runs the example with what it needs; or why there is none. */
export type Python =
  { readonly kind: 'ready'; readonly command: string } | { readonly kind: 'missing'; readonly reason: string };

/**
 * Installs the example's requirements into the user's cache, once for each version of Python. It needs python3 and its pip, and
 * leaves what the system or the user has installed alone.
 */
export async function preparePython(): Promise<Python> {
  try {
    const requirements = join(EXAMPLE, 'requirements.txt');
    const { stdout: version } = await run('python3', ['--version'], { timeout: INSTALL_MAX_MS });
    const content = createHash('sha256').update(version + (await readFile(requirements, 'utf8')));
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rotation');
    const packages = join(cache, `python-${content.digest('hex').slice(0, 16)}`);
    if (!(await isThere(packages))) await install(requirements, cache, packages);
    return { kind: 'ready', command: `PYTHONPATH=${packages} exec python3 ${join(EXAMPLE, 'checked_claim.py')}` };
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(-1);
    return { kind: 'missing', reason: `no pymongo could be had: ${reason}` };
  }
}

/** By one rename, so that a second test run at the same time finds all or nothing. */
async function install(requirements: string, cache: string, packages: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, 'temporary-'));
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:'];
    const options = { timeout: INSTALL_MAX_MS, killSignal: 'SIGKILL' } as const;
    await run('python3', [...pip, '--target', temporary, '--requirement', requirements], options);
    await rename(temporary, packages).catch(async (error: unknown) => {
      if (!(await isThere(packages))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
