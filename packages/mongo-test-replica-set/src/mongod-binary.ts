import { runTool } from './run-tool.ts';

/** A mongod whose `--version` has succeeded. */
export interface MongodBinary {
  readonly path: string;
  /** As in `8.2.6`. */
  readonly version: string;
}

export type MongodCheck =
  | { readonly kind: 'usable'; readonly binary: MongodBinary }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unusable'; readonly reason: string };

const MAX_VERSION_MS = 10_000;
/** Older versions don't know every parameter of `DEFAULT_SET_PARAMETERS`. */
const MIN_MAJOR_VERSION = 5;

/**
 * Runs `mongod --version`. In 0.1 s this finds a file that is broken, built for another system, older than 5.0 or no
 * mongod.
 */
export async function checkMongod(path: string, signal: AbortSignal | undefined): Promise<MongodCheck> {
  const result = await runTool(path, ['--version'], { maxRunMs: MAX_VERSION_MS, signal });
  if (result.kind === 'not-found') return result;
  if (result.kind === 'failed') return { kind: 'unusable', reason: `it does not run: ${result.reason}` };
  const version = /db version v(\d+\.\d+\.\d+)/.exec(result.output)?.[1];
  if (version === undefined) return { kind: 'unusable', reason: 'it does not answer --version as mongod does' };
  if (Number.parseInt(version, 10) < MIN_MAJOR_VERSION) {
    return { kind: 'unusable', reason: `version ${version} is older than ${MIN_MAJOR_VERSION}.0` };
  }
  return { kind: 'usable', binary: { path, version } };
}
