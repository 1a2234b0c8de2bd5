import { keypool } from 'keypool';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';
import { definePool } from 'rotation-core';
import * as testing from 'rotation-core/testing';

const mine = definePool({ ...keypool, name: 'mine', collections: { ...keypool.collections, keys: 'my_keys' } });
const pools = [keypool, openhands, openhandspool].map(({ name }) => name);
process.stdout.write(JSON.stringify({ pools, mine: mine.name, sub: typeof testing.referenceFlow }));
