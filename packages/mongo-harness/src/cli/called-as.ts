import { basename, relative, resolve } from 'node:path';

/** What a process knows of its call. */
export interface Call {
  /** As `process.argv`. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Package managers say in it which script they run, and who they are. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * How the user called this program, as a command that can be typed again with further arguments: `pnpm stress` for a script of package.json,
 * `npx -y pnpm@12 stress` if npx brought the package manager, `npm run stress --`, or `node src/main.ts` if no script runs this program.
 * The variables are those of https://docs.npmjs.com/cli/v11/using-npm/scripts#environment, which pnpm, yarn and bun set too.
 */
export function calledAs({ argv: [, program = ''], cwd, environment }: Call): string {
  const { npm_lifecycle_event: script, npm_lifecycle_script: line = '' } = environment;
  // A script may start something else that starts this program: the command of that script would not repeat the call.
  const isScript = line.split(' ').some((word) => resolve(cwd, word) === program);
  if (script === undefined || !isScript) return `node ${quoted(relative(cwd, program))}`;
  const { npm_execpath: path = '', npm_config_user_agent: agent = '' } = environment;
  const [name = 'npm'] = /^(?:npm|pnpm|yarn|bun)/.exec(basename(path)) ?? [];
  if (name === 'npm') return `npm run ${script} --`;
  // npx fetches a package into a folder of this name. A manager started by another one may inherit the other's agent.
  const [, major = 'latest'] = new RegExp(`^${name}/(\\d+)`).exec(agent) ?? [];
  const manager = /[\\/]_npx[\\/]/.test(path) ? `npx -y ${name}@${major}` : name;
  return `${manager} ${name === 'bun' ? 'run ' : ''}${script}`;
}

/** For a POSIX shell. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
