import { childrenOf, CommandLine } from 'test-kit';

/** The real `pnpm stress`, started without pnpm. */
export const stress = new CommandLine('stress/src/main.ts', 'ROTATION_');

/** Pids of the living workers of a command. */
export const workersOf = (parent: number): number[] => childrenOf(parent, 'worker.ts');
