import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Run } from 'mongo-harness';
import { checkRotations } from '../src/checker/index.ts';
import type { RotationTypes } from '../src/model/rotation-types.ts';
import { LARGE_RUNS, largeRun } from '../test/support/large-run.ts';

/*
 * Prints how long a stored run takes to be judged, and what it takes of memory: the same runs that the tests of the checker count steps of, with
 * the log. With a file, judges that one, in a process of its own.
 */

const CALLS = [1_000, 10_000, 100_000];
const BYTES_PER_MB = 1_000_000;
const KILOBYTES_PER_MB = 1_000;

interface Cost {
  readonly judgedMs: number;
  /** The most that the process had, with the file in it. */
  readonly memoryMb: number;
}

function judge(file: string): Cost {
  const run = JSON.parse(readFileSync(file, 'utf8')) as Run<RotationTypes>;
  const began = performance.now();
  const { length } = checkRotations(run);
  if (length > 0) throw new Error(`${length} violations in a run that has none`);
  return { judgedMs: performance.now() - began, memoryMb: process.resourceUsage().maxRSS / KILOBYTES_PER_MB };
}

function judgeApart(file: string): Cost {
  const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), file], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as Cost;
}

const line = (cells: readonly (string | number)[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);

const [, , file] = process.argv;
if (file !== undefined) process.stdout.write(JSON.stringify(judge(file)));
else {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  try {
    line(['run', 'calls', 'file (MB)', 'judged in (ms)', 'memory (MB)']);
    line(['---', '---', '---', '---', '---']);
    for (const shape of Object.keys(LARGE_RUNS) as (keyof typeof LARGE_RUNS)[])
      for (const calls of CALLS) {
        const path = join(folder, 'run.json');
        writeFileSync(path, JSON.stringify(largeRun(shape, calls, true)));
        const { judgedMs, memoryMb } = judgeApart(path);
        const sizeMb = (statSync(path).size / BYTES_PER_MB).toFixed(1);
        line([shape, calls, sizeMb, Math.round(judgedMs), Math.round(memoryMb)]);
      }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
