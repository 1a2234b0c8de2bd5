import { runTool } from './run-tool.ts';

/** A mongod that has been seen to run. */
export interface MongodBinary {
  readonly path: string;
  /** As in `8.2.6`. */
  readonly version: string;
}

export type MongodCheck =
  | { readonly kind: 'usable'; readonly binary: MongodBinary }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unusable'; readonly reason: string };

const versionTimeoutMs = 10_000;
/** The parameters that we start it with are known since 5.0. */
const oldestMajor = 5;

/** Runs `mongod --version`: 0.1 s that tell a broken, foreign or outdated file from a good one. */
export async function checkMongod(path: string, signal: AbortSignal | undefined): Promise<MongodCheck> {
  const result = await runTool(path, ['--version'], { timeoutMs: versionTimeoutMs, signal });
  if (result.kind === 'not-found') return result;
  if (result.kind === 'failed') return { kind: 'unusable', reason: `it does not run: ${result.reason}` };
  const version = /db version v(\d+\.\d+\.\d+)/.exec(result.output)?.[1];
  if (version === undefined) return { kind: 'unusable', reason: 'it does not answer --version as mongod does' };
  if (Number.parseInt(version, 10) < oldestMajor) {
    return { kind: 'unusable', reason: `version ${version} is older than ${oldestMajor}.0` };
  }
  return { kind: 'usable', binary: { path, version } };
}
