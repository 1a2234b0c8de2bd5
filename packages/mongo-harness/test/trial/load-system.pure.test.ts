import { expect, test } from 'vitest';
import { loadSystem } from '../../src/trial/load-system.ts';

/* What is wrong with a system is told before anything runs, in one line. */

const flow = { name: 'right', expected: 'valid', storms: [{ scenario: 's', deployment: 'd' }], explorations: [] };
const mutant = { ...flow, name: 'wrong', expected: 'violated', breaks: ['X1'] };
const whole = {
  name: 'seats',
  invariants: { X1: 'holds' },
  deployments: [{ name: 'd' }],
  scenarios: [{ name: 's' }],
  flows: [flow, mutant],
};
const moduleOf = (system: object): string =>
  `data:text/javascript,${encodeURIComponent(`export default { ...${JSON.stringify(system)}, check: () => [] }`)}`;

test('a system whose names stand for something is loaded', async () => {
  expect(await loadSystem(moduleOf(whole))).toMatchObject(whole);
});

test.each([
  [
    'a name that no database can have',
    { ...whole, name: 'My Seats' },
    /^A system's name is lower-case .*"My Seats"\.$/,
  ],
  [
    'a storm in a scenario that is not there',
    { ...whole, flows: [{ ...flow, storms: [{ scenario: 'x', deployment: 'd' }] }] },
    /^In the system, the flow right names the scenario x; there are s\.$/,
  ],
  [
    'an exploration on a deployment that is not there',
    { ...whole, flows: [{ ...flow, explorations: [{ scenario: 's', deployment: 'x', callers: 2 }] }] },
    /^In the system, the flow right names the deployment x; there are d\.$/,
  ],
  [
    'a storm with a fault in a scenario that is not there',
    {
      ...whole,
      flows: [flow, { ...mutant, faultStorms: [{ scenario: 'x', deployment: 'd', fault: 'rollback' }] }],
    },
    /^In the system, the flow wrong names the scenario x; there are s\.$/,
  ],
  [
    'a storm with a fault that is not there',
    { ...whole, flows: [flow, { ...mutant, faultStorms: [{ scenario: 's', deployment: 'd', fault: 'fire' }] }] },
    /^In the system, the flow wrong names the fault fire; there are step-down, /,
  ],
  [
    'a mutant that breaks what is no invariant',
    { ...whole, flows: [flow, { ...mutant, breaks: ['X9'] }] },
    /^The mutant wrong breaks X9, which is no invariant of the system seats\.$/,
  ],
  [
    'a name that would leave the store',
    { ...whole, scenarios: [{ name: '../s' }] },
    /^The name of a scenario is letters, digits, -, _ and \., not "\.\.\/s"/,
  ],
  ['two flows of one name', { ...whole, flows: [flow, flow] }, /^In the system, two flows are called right\.$/],
  ['no flows', { ...whole, flows: undefined }, /has no System as its default export\.$/],
])('%s', async (_, system, message) => {
  await expect(loadSystem(moduleOf(system))).rejects.toThrow(message);
  await expect(loadSystem(moduleOf(system))).rejects.toMatchObject({ name: 'UsageError' });
});
