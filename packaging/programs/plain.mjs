import { keypool } from 'keypool';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';
import { COMMON_FAILURES, definePool } from 'rotation-core';
import * as testing from 'rotation-core/testing';

const mine = definePool({
  name: 'mine',
  collections: { keys: 'keys', backups: 'backup_keys', bindings: 'bindings' },
  bindingKeyField: 'keyId',
  retirement: { kind: 'delete' },
  failures: { rotate: COMMON_FAILURES, coolDownMs: 60_000 },
});
const pools = [keypool, openhands, openhandspool].map(({ name }) => name);
process.stdout.write(JSON.stringify({ pools, mine: mine.name, sub: typeof testing.referenceFlow }));
