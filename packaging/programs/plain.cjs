const { keypool } = require('keypool');
const { openhands } = require('openhands');
const { openhandspool } = require('openhandspool');
const { definePool } = require('rotation-core');
const testing = require('rotation-core/testing');

const mine = definePool({ ...keypool, name: 'mine', collections: { ...keypool.collections, keys: 'my_keys' } });
const pools = [keypool, openhands, openhandspool].map(({ name }) => name);
process.stdout.write(JSON.stringify({ pools, mine: mine.name, sub: typeof testing.referenceFlow }));
