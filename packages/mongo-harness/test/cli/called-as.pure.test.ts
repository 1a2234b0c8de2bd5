import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { calledAs, type Call } from '../../src/cli/called-as.ts';

const NPX_CACHE = '/home/ann/.npm/_npx/9c7067c5737e830f/node_modules/pnpm/pnpm';

/** A script `stress` that runs src/main.ts, as a package manager starts it. */
const script = (agent: string, manager: string, line = 'node src/main.ts explore --callers 2'): Call => ({
  argv: ['/usr/bin/node', '/shop/src/main.ts', 'explore', '--callers', '2'],
  cwd: '/shop',
  environment: {
    npm_lifecycle_event: 'stress',
    npm_lifecycle_script: line,
    npm_config_user_agent: agent,
    npm_execpath: manager,
  },
});

test.each([
  ['pnpm stress', script('pnpm/12.21.0 npm/? node/? linux x64', '/usr/lib/node_modules/pnpm/pnpm')],
  ['npx -y pnpm@12 stress', script('pnpm/12.21.0 npm/? node/? linux x64', NPX_CACHE)],
  ['npm run stress --', script('npm/11.19.1 node/v20.20.2 linux x64', '/usr/lib/node_modules/npm/bin/npm-cli.js')],
  ['yarn stress', script('yarn/4.9.1 npm/? node/v24.21.0 linux x64', '/usr/lib/yarn.js')],
  ['bun run stress', script('bun/1.3.0 npm/? node/v24.3.0 linux x64', '/usr/bin/bun')],
  // A test runner that is a script itself, and starts the program.
  ['node src/main.ts', script('pnpm/12.21.0 npm/? node/? linux x64', '/usr/bin/pnpm', 'vitest run')],
  ['node src/main.ts', { argv: ['/usr/bin/node', '/shop/src/main.ts'], cwd: '/shop', environment: {} }],
  [`node '../it'\\''s mine/main.ts'`, { argv: ['node', "/it's mine/main.ts"], cwd: '/shop', environment: {} }],
])('%s', (command, call) => {
  expect(calledAs(call)).toBe(command);
});

test('a script that npm runs is called as it says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'called-as-'));
  try {
    const helper = pathToFileURL(join(import.meta.dirname, '../../src/cli/called-as.ts')).href;
    await writeFile(
      join(folder, 'main.mjs'),
      `import { calledAs } from '${helper}';
      console.log(calledAs({ argv: process.argv, cwd: process.cwd(), environment: process.env }));`,
    );
    const line = `"${process.execPath}" ./main.mjs`;
    await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts: { own: line } }));
    const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'own', '--', '--more'], { cwd: folder });
    expect(stdout).toBe('npm run own --\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
