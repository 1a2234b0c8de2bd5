import assert from 'node:assert/strict';
import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda } from 'agenda';
import type { Scenario } from './scenario.ts';

/* Two processes start for the first time, and each sees to it that the repeated job is there. */

export const firstEvery: Scenario<Agenda, void> = {
  clients: 2,

  reset: async (db) => {
    await db.collection('jobs').deleteMany({});
  },

  prepare: async (_client, db) => {
    const agenda = new Agenda({ backend: new MongoBackend({ mongo: db, collection: 'jobs' }) });
    await agenda.ready;
    return agenda;
  },

  flow: async (_client, _db, agenda) => {
    await agenda.every('1 hour', 'send invoices');
  },

  check: async (db) => {
    const count = await db.collection('jobs').countDocuments({ name: 'send invoices' });
    assert.ok(count === 1, `every() made ${count} jobs`);
  },

  showFields: ['name'],
};
