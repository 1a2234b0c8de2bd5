const { keypool } = require('keypool');
const { openhands } = require('openhands');
const { openhandspool } = require('openhandspool');
const { COMMON_FAILURES, definePool } = require('rotation-core');
const testing = require('rotation-core/testing');

const mine = definePool({
  name: 'mine',
  collections: { keys: 'keys', backups: 'backup_keys', bindings: 'bindings' },
  bindingKeyField: 'keyId',
  retirement: { kind: 'delete' },
  failures: { rotate: COMMON_FAILURES, coolDownMs: 60_000 },
});
const pools = [keypool, openhands, openhandspool].map(({ name }) => name);
process.stdout.write(JSON.stringify({ pools, mine: mine.name, sub: typeof testing.referenceFlow }));
