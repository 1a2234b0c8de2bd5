import * as keypool from 'keypool';
import * as openhands from 'openhands';
import * as openhandspool from 'openhandspool';
import type { Pool } from 'rotation-core';

/** What a service has today. Names are written out here, so that a changed one in an adapter is noticed. */
export interface Service {
  readonly title: string;
  readonly pool: Pool;
  /** The adapter's module. */
  readonly adapter: object;
  readonly keys: string;
  readonly backups: string;
  readonly bindings: string;
  readonly keyField: string;
  readonly archive?: string;
  /** Statuses of a kept key; where they are missing it is deleted. */
  readonly kept?: { readonly exhausted: string; readonly 'auth-error': string };
  /** Rotates on 400 with budget_exceeded, ExceededBudget or over budget. */
  readonly hasBudget: boolean;
  /** Rotates where the upstream asks to reload tokens or to subscribe, or says "revoked". */
  readonly isWithdrawn: boolean;
}

const sharedByOpenhands = {
  keys: 'openhands_keys',
  backups: 'openhands_backup_keys',
  bindings: 'openhands_bindings',
  keyField: 'openhandsKeyId',
  hasBudget: true,
  isWithdrawn: false,
};
const archive = 'openhands_keys_archive';

export const services: readonly Service[] = [
  {
    title: 'keypool',
    pool: keypool.keypool,
    adapter: keypool,
    keys: 'factory_keys',
    backups: 'backup_keys',
    bindings: 'proxy_key_bindings',
    keyField: 'factoryKeyId',
    hasBudget: false,
    isWithdrawn: true,
  },
  { title: 'openhands', pool: openhands.openhands, adapter: openhands, ...sharedByOpenhands },
  {
    title: 'openhands with archive',
    pool: openhands.definePool({ ...openhands.openhands, retirement: { kind: 'delete', archive } }),
    adapter: openhands,
    ...sharedByOpenhands,
    archive,
  },
  {
    title: 'openhandspool',
    pool: openhandspool.openhandspool,
    adapter: openhandspool,
    ...sharedByOpenhands,
    kept: { exhausted: 'exhausted', 'auth-error': 'need_refresh' },
  },
];
