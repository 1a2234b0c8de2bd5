import type { Pool } from 'rotation-core';
import { keypool } from 'keypool';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';

const archivingOpenhands: Pool = { ...openhands, retirement: { kind: 'delete', archive: 'openhands_keys_archive' } };

/** The pools that callers of a run come through, in turn; several are services that share their collections. */
export const adapters: ReadonlyMap<string, readonly [Pool, ...Pool[]]> = new Map([
  ['keypool', [keypool]],
  ['openhands', [archivingOpenhands]],
  ['openhandspool', [openhandspool]],
  ['mixed', [openhands, openhandspool]],
] as const);
