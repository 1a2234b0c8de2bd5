import type { Scenario, System } from '../../../src/index.ts';
import seatsSystem, { atomic, oneSeat, type Seats } from '../seats-system.ts';

const { storm: _, ...gated }: Scenario<Seats> = oneSeat;

/** No scenario has a large form. */
const smallOnly: System<Seats> = {
  ...seatsSystem,
  name: 'small-only',
  scenarios: [gated],
  flows: [{ ...atomic, storms: [] }],
};
export default smallOnly;
