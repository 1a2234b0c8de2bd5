import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { run, runOrThrow } from './support/run.ts';
import { ROOT } from './support/tarballs.ts';

/* What starts workers, threads and databases, which have to be found in the package, too. */

const outside = inject('outside');

test("somebody's own system: storms in worker processes, then every interleaving", async () => {
  await cp(join(ROOT, 'examples/own-system'), join(outside, 'own-system'), { recursive: true });
  const args = ['own-system/main.ts', '--store', join(inject('temporary'), 'store')];
  const { code, output } = await run(process.execPath, args, { cwd: outside });
  expect(output).toContain('7 passed, 0 failed\n');
  expect(code).toBe(0);
});

test('a flow in threads: its race is found', async () => {
  for (const file of ['threads.mjs', 'thread-flow.mjs'])
    await cp(join(import.meta.dirname, 'programs', file), join(outside, file));
  const printed = await runOrThrow(process.execPath, ['threads.mjs'], { cwd: outside });
  expect(JSON.parse(printed)).toMatchObject({ complete: true, violations: 1 });
});
