import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { nodeCommand, nodes } from './support/nodes.ts';
import { pnpm, run, runOrThrow } from './support/run.ts';
import { versionOf } from './support/versions.ts';

/* Each kind of project that uses the packages: its compiler, its kind of modules, and how it looks for them. */

const outside = inject('outside');
const PROGRAMS = join(import.meta.dirname, 'programs');

/** What every-entry.ts prints. */
const FOUND = {
  pools: ['keypool', 'openhands', 'openhandspool'],
  parts: true,
  functions: Array.from({ length: 5 }, () => 'function'),
  harnessParts: true,
  token: true,
  database: true,
};

interface Consumer {
  readonly compiler: 'typescript54' | 'typescript59' | 'typescript';
  readonly type: 'module' | 'commonjs';
  readonly module: string;
  readonly moduleResolution?: string;
}

/** As a newer project, and as NestJS and ts-jest have been for long. */
const USUAL: readonly Consumer[] = [
  { compiler: 'typescript54', type: 'commonjs', module: 'commonjs', moduleResolution: 'node10' },
  { compiler: 'typescript59', type: 'commonjs', module: 'nodenext' },
  { compiler: 'typescript', type: 'module', module: 'nodenext' },
  { compiler: 'typescript', type: 'commonjs', module: 'commonjs', moduleResolution: 'bundler' },
];
const OTHERS: readonly Consumer[] = [
  { compiler: 'typescript54', type: 'module', module: 'nodenext' },
  { compiler: 'typescript54', type: 'module', module: 'node16' },
  { compiler: 'typescript54', type: 'module', module: 'esnext', moduleResolution: 'bundler' },
  { compiler: 'typescript59', type: 'module', module: 'nodenext' },
  { compiler: 'typescript59', type: 'module', module: 'node16' },
  { compiler: 'typescript59', type: 'module', module: 'esnext', moduleResolution: 'bundler' },
  { compiler: 'typescript59', type: 'commonjs', module: 'commonjs', moduleResolution: 'node10' },
  { compiler: 'typescript', type: 'module', module: 'node16' },
  { compiler: 'typescript', type: 'module', module: 'esnext', moduleResolution: 'bundler' },
  { compiler: 'typescript', type: 'commonjs', module: 'nodenext' },
];
const consumers = process.env['PACKAGING'] === 'all' ? [...USUAL, ...OTHERS] : USUAL;

const titleOf = ({ compiler, type, module, moduleResolution = module }: Consumer): string =>
  `${compiler}, ${type === 'module' ? 'ESM' : 'CommonJS'}, ${module}, ${moduleResolution}`;

/** A CommonJS file gets fast-check's CommonJS build, whose types are others than those of the ES modules that mongo-interleave uses. */
const filesFor = ({ type }: Consumer): string[] =>
  type === 'module' ? ['every-entry', 'fast-check'] : ['every-entry'];

/** A folder of the outside project with the programs, as a project of its own. */
async function makeProject(consumer: Consumer): Promise<string> {
  const { type, module, moduleResolution } = consumer;
  const folder = join(outside, titleOf(consumer).replaceAll(/\W+/g, '-'));
  await mkdir(folder);
  const files = filesFor(consumer).map((name) => `${name}.ts`);
  for (const file of files) await cp(join(PROGRAMS, file), join(folder, file));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type }));
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    esModuleInterop: true,
    types: ['node'],
    module,
    ...(moduleResolution === undefined ? {} : { moduleResolution }),
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return folder;
}

const tsc = (compiler: Consumer['compiler'], cwd: string): ReturnType<typeof run> =>
  run(process.execPath, [join(outside, 'node_modules', compiler, 'bin/tsc'), '-p', cwd], { cwd });
const runHere = async (file: string, cwd: string): Promise<unknown> =>
  JSON.parse(await runOrThrow(process.execPath, [file], { cwd }));

describe('TypeScript', () => {
  test.each(consumers.map((consumer) => [titleOf(consumer), consumer] as const))('%s', async (_title, consumer) => {
    const cwd = await makeProject(consumer);
    expect(await tsc(consumer.compiler, cwd)).toEqual({ code: 0, output: '', stdout: '' });
    const printed = filesFor(consumer).map((name) => runHere(`${name}.js`, cwd));
    expect(await Promise.all(printed)).toEqual([FOUND, { drawn: 10 }].slice(0, printed.length));
  });

  // What a CommonJS project with TypeScript before 5.8 has to know: this is TypeScript's rule for each package of ES modules.
  test('typescript54, CommonJS, node16: refuses the import, and says how to do it', async () => {
    const cwd = await makeProject({ compiler: 'typescript54', type: 'commonjs', module: 'node16' });
    const { code, output } = await tsc('typescript54', cwd);
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('TS1479') as string });
    expect(output).not.toContain('TS2307');
  });
});

describe.each(nodes)('plain JavaScript, Node.js %s', (node) => {
  test.each(['plain.mjs', 'plain.cjs'])('%s', async (file) => {
    await cp(join(PROGRAMS, file), join(outside, file));
    const printed = await runOrThrow(...nodeCommand(node, file), { cwd: outside });
    expect(JSON.parse(printed)).toEqual({ pools: FOUND.pools, mine: 'mine', sub: 'object' });
  });
});

describe('as docs/in-your-service.md says', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/in-your-service.md'), 'utf8');
  const blocks = [...page.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const blockOf = (beginning: string): string => {
    const block = blocks.find((code) => code.startsWith(beginning));
    if (block === undefined) throw new Error(`the page has no block that begins with ${beginning}`);
    return block;
  };

  /** A service's folder with the tarballs in it. */
  async function makeService(name: string): Promise<string> {
    const cwd = join(inject('temporary'), name);
    await mkdir(cwd);
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ name, private: true }));
    for (const path of ['rotation-core', 'keypool'].map((one) => inject('tarballs')[one] ?? ''))
      await cp(path, join(cwd, basename(path)));
    await writeFile(join(cwd, 'use.mjs'), "import { keypool } from 'keypool';\nprocess.stdout.write(keypool.name);\n");
    return cwd;
  }
  /** The words of the command, with the driver of the workspace. */
  const [npm = '', install = '', ...wanted] = blockOf('npm install')
    .trim()
    .split(' ')
    .map((word) => (word === 'mongodb' ? `mongodb@${versionOf('mongodb')}` : word));

  test('npm installs an adapter and its core from their tarballs in one command', async () => {
    const cwd = await makeService('by-npm');
    await runOrThrow(npm, [install, '--prefer-offline', '--no-audit', '--no-fund', ...wanted], { cwd });
    expect(await runOrThrow(process.execPath, ['use.mjs'], { cwd })).toBe('keypool');
  });

  test('pnpm does so where the workspace file says where the core is', async () => {
    const cwd = await makeService('by-pnpm');
    await writeFile(join(cwd, 'pnpm-workspace.yaml'), `packages: []\n${blockOf('overrides:')}`);
    const { code, output } = await pnpm(['add', '--prefer-offline', ...wanted], { cwd });
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    expect(await runOrThrow(process.execPath, ['use.mjs'], { cwd })).toBe('keypool');
  });
});

test('Docker without its library is passed over, with the command that installs it', async () => {
  const daemon = createServer((_request, response) => response.end('OK'));
  await once(daemon.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = daemon.address() as AddressInfo;
    await cp(join(PROGRAMS, 'start-docker.mjs'), join(outside, 'start-docker.mjs'));
    const printed = await runOrThrow(process.execPath, ['start-docker.mjs', `tcp://127.0.0.1:${port}`], {
      cwd: outside,
    });
    expect(printed).toContain('docker: testcontainers is not installed: npm install --save-dev testcontainers');
  } finally {
    daemon.close();
  }
});
