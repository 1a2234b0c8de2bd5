import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/* Makes examples in other languages ready to run, in the user's cache and nowhere else, once for each version of them. */

/** Compiling a driver takes minutes on a small machine. */
const MAX_BUILD_MS = 900_000;
const EXAMPLES = join(import.meta.dirname, '../../../examples');
const run = promisify(execFile);

/** How a program is started by a shell; or why it can't be. */
export type Toolchain =
  { readonly kind: 'ready'; readonly command: string } | { readonly kind: 'missing'; readonly reason: string };

export const LANGUAGES = ['python', 'go', 'java', 'rust'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The checked-claim flow of `examples/<language>`. */
export const prepareExample = (language: Language): Promise<Toolchain> => EXAMPLE[language]();

/** A script in Python that needs what `examples/python` needs. */
export const preparePython = (script = 'python/checked_claim.py'): Promise<Toolchain> =>
  prepare('python', ['python3', '--version'], ['requirements.txt'], {
    build: (folder, into) =>
      runIn(
        folder,
        'python3',
        `-m pip install --quiet --disable-pip-version-check --only-binary=:all: --target ${into} --requirement requirements.txt`.split(
          ' ',
        ),
      ),
    command: (built) => `PYTHONPATH=${built} exec python3 ${join(EXAMPLES, script)}`,
  });

const EXAMPLE: Readonly<Record<Language, () => Promise<Toolchain>>> = {
  python: () => preparePython(),
  go: () =>
    prepare('go', ['go', 'version'], ['go.mod', 'go.sum', 'main.go'], {
      build: (folder, into) => runIn(folder, 'go', ['build', '-o', join(into, 'checked-claim'), '.']),
      command: (built) => `exec ${join(built, 'checked-claim')}`,
    }),
  java: () =>
    prepare('java', ['javac', '-version'], ['pom.xml', 'CheckedClaim.java'], {
      build: async (folder, into) => {
        await runIn(folder, 'mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${into}`]);
        await runIn(folder, 'javac', ['-cp', `${into}/*`, '-d', into, 'CheckedClaim.java']);
      },
      command: (built) => `exec java -cp '${built}:${built}/*' CheckedClaim`,
    }),
  rust: () =>
    prepare('rust', ['cargo', '--version'], ['Cargo.toml', 'Cargo.lock', 'src/main.rs'], {
      build: async (folder, into) => {
        await runIn(folder, 'cargo', ['build', '--quiet', '--locked', '--target-dir', join(into, 'target')]);
        await rename(join(into, 'target/debug/checked-claim'), join(into, 'checked-claim'));
        await rm(join(into, 'target'), { recursive: true });
      },
      command: (built) => `exec ${join(built, 'checked-claim')}`,
    }),
};

interface Recipe {
  /** @param folder of the example @param into an empty folder */
  readonly build: (folder: string, into: string) => Promise<unknown>;
  /** @param built where `into` is afterwards */
  readonly command: (built: string) => string;
}

/** @param version prints the version of what builds @param sources what the example is made of */
async function prepare(
  language: Language,
  [tool = '', ...version]: readonly string[],
  sources: readonly string[],
  { build, command }: Recipe,
): Promise<Toolchain> {
  const folder = join(EXAMPLES, language);
  try {
    const hash = createHash('sha256').update((await runIn(folder, tool, version)).stdout);
    for (const source of sources) hash.update(await readFile(join(folder, source)));
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rotation');
    const built = join(cache, `${language}-${hash.digest('hex').slice(0, 16)}`);
    if (!(await isThere(built))) await buildInto(cache, built, (into) => build(folder, into));
    return { kind: 'ready', command: command(built) };
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(-1);
    return { kind: 'missing', reason: `the example in ${language} can't be built: ${reason}` };
  }
}

/** By one rename, so that a second test run at the same time finds all or nothing. */
async function buildInto(cache: string, built: string, build: (into: string) => Promise<unknown>): Promise<void> {
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, 'temporary-'));
  try {
    await build(temporary);
    await rename(temporary, built).catch(async (error: unknown) => {
      if (!(await isThere(built))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const runIn = (cwd: string, tool: string, argv: readonly string[]): Promise<{ readonly stdout: string }> =>
  run(tool, argv, { cwd, timeout: MAX_BUILD_MS, killSignal: 'SIGKILL' });

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
