import type { Deployment, Flow, System } from '../../../src/index.ts';
import seatsSystem, { atomic, type Seats } from '../seats-system.ts';

const hall = (name: string): Deployment<Seats> => ({ name, services: [{ name }] });

const at = (...deployments: readonly string[]): Pick<Flow<Seats>, 'storms' | 'explorations'> => ({
  storms: deployments.map((deployment) => ({ scenario: 'one-seat', deployment, processes: 2 })),
  explorations: deployments.map((deployment) => ({ scenario: 'one-seat', deployment, callers: 2 })),
});

/** The call of a service whose name says so throws. */
const failAt = (what: string, name: string): void => {
  if (name === `fails-to-${what}`) throw new RangeError(`no ${what} today`);
};

let calls = 0;

/** Some of its rows throw, each in another place. */
const faulty: System<Seats> = {
  ...seatsSystem,
  name: 'faulty',
  deployments: [
    hall('hall'),
    hall('fails-to-fill'),
    hall('fails-to-read'),
    hall('fails-to-check'),
    hall('fails-to-open'),
  ],
  flows: [
    { ...atomic, ...at('hall', 'fails-to-fill', 'fails-to-read', 'fails-to-check', 'fails-to-open') },
    {
      ...atomic,
      name: 'forgetful',
      about: 'counts its calls in memory, and does something else in each',
      ...at('hall'),
      storms: [],
      open: (db) => ({
        call: async () => {
          if (++calls % 3 === 0) await db.collection('seats').distinct('calls');
          else await db.collection('seats').findOne({});
          await db.collection('seats').updateMany({}, { $set: { calls } });
          return { kind: 'sold-out' };
        },
      }),
    },
    { ...atomic, name: 'atomic-again', ...at('hall') },
  ],
  fill: async (db, deployment, start) => {
    failAt('fill', deployment.name);
    await seatsSystem.fill(db, deployment, start);
    if (deployment.name === 'fails-to-check') await db.collection('seats').updateMany({}, { $set: { damaged: true } });
  },
  read: (db, deployment, session) => {
    failAt('read', deployment.name);
    return seatsSystem.read(db, deployment, session);
  },
  check: (run) => {
    if (run.start.some((seat) => 'damaged' in seat)) failAt('check', 'fails-to-check');
    return seatsSystem.check(run);
  },
};
faulty.flows.forEach((flow) => {
  if (!('open' in flow)) return;
  const { open } = flow;
  Object.assign(flow, {
    open: (...given: Parameters<typeof open>) => {
      failAt('open', given[1].name);
      return open(...given);
    },
  });
});
export default faulty;
