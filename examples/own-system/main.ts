import { runCommandLine } from 'mongo-harness';

await runCommandLine(new URL('job-queue.ts', import.meta.url));
