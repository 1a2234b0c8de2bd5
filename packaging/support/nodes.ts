/** The command line of each Node.js: the lower end of `engines`, the newest 22, and the one that runs the tests. */
const NODES = {
  '22.12': ['npx', '-y', 'node@22.12.0'],
  '22': ['npx', '-y', 'node@22'],
  '24': [process.execPath],
} as const;

export type NodeName = keyof typeof NODES;

const NAMES = Object.keys(NODES) as NodeName[];

/** Those that a run has to try. */
export const nodes: readonly NodeName[] = process.env['PACKAGING'] === 'all' ? NAMES : ['22.12'];

/** Command and arguments that run a file. */
export const nodeCommand = (node: NodeName, ...args: readonly string[]): [string, string[]] => {
  const [command, ...before] = NODES[node];
  return [command, [...before, ...args]];
};
