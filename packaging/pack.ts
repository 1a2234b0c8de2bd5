/* Packs each package: `pnpm tarballs [folder]`, by default into `tarballs`. Prints the paths. */
import { resolve } from 'node:path';
import { packAll, ROOT } from './support/tarballs.ts';

const [, , folder = 'tarballs'] = process.argv;
for (const path of Object.values(await packAll(resolve(ROOT, folder)))) process.stdout.write(`${path}\n`);
