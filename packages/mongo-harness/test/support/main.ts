/* The command line of one of the made-up systems: `main.ts SYSTEM ARGUMENTS`. */
import { runCommandLine } from '../../src/index.ts';

const [, , name = '', ...argv] = process.argv;
await runCommandLine(new URL(`systems/${name}.ts`, import.meta.url), `pnpm ${name}`, argv);
