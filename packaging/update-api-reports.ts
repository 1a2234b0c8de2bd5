/* Writes the API reports anew, after `tsc -b`: `pnpm api-reports`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { extractApi, REPORTED } from './support/api-report.ts';
import { ROOT } from './support/tarballs.ts';

for (const entry of REPORTED) {
  mkdirSync(join(ROOT, 'packages', entry.name, 'etc'), { recursive: true });
  const { same, messages } = extractApi(entry, { update: true });
  process.stdout.write(`${entry.report}: ${same ? 'unchanged' : 'written'}\n`);
  for (const message of messages) process.stdout.write(`  ${message}\n`);
}
