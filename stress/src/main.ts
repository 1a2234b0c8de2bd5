import { runCommandLine } from 'mongo-harness';

await runCommandLine(new URL('rotation-system.ts', import.meta.url));
