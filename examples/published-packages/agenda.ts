import assert from 'node:assert/strict';
import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda } from 'agenda';
import { watchBackground } from './background.ts';
import type { Scenario } from './scenario.ts';

/* Processes start again while a repeated job is due. However they start, the job should run once. */

const JOB = 'send invoices';
type Service = { readonly agenda: Agenda; readonly idle: () => Promise<void> };

const restart = (clients: number, begin: (agenda: Agenda) => Promise<unknown>): Scenario<Service> => ({
  clients,

  reset: async (db) => {
    await db.collection('jobs').deleteMany({});
    const due = { nextRunAt: new Date(0), repeatInterval: '1 hour', lockedAt: null };
    await db.collection('jobs').insertOne({ name: JOB, type: 'single', priority: 0, ...due });
  },

  prepare: async ({ mongo }, db) => {
    const backend = new MongoBackend({ mongo: db, collection: 'jobs' });
    const agenda = new Agenda({ backend, processEvery: '1 minute' }); // no run takes until the second poll
    await agenda.ready;
    return { agenda, idle: watchBackground(mongo) };
  },

  flow: async (_client, _db, { agenda, idle }) => {
    let runs = 0;
    agenda.define(JOB, () => void runs++);
    await begin(agenda);
    await idle();
    await agenda.stop();
    return runs;
  },

  check: (_db, outcomes) => {
    const total = outcomes.reduce((sum, outcome) => sum + (outcome.kind === 'returned' ? outcome.value : 0), 0);
    assert.ok(total === 1, `the job ran ${total} times`);
  },

  showFields: ['lockedAt'],
  showResults: true,
});

/** In the order of agenda's README, in one process. */
export const startThenEvery = restart(1, async (agenda) => {
  await agenda.start();
  await agenda.every('1 hour', JOB);
});

/** In the other order. */
export const everyThenStart = (clients: number): Scenario<Service> =>
  restart(clients, async (agenda) => {
    await agenda.every('1 hour', JOB);
    await agenda.start();
  });

/** Two processes that only poll. */
export const startOnly = restart(2, (agenda) => agenda.start());
