import type { Scenario, System } from '../../../src/index.ts';
import seatsSystem, { atomic, oneSeat, type Seats } from '../seats-system.ts';

const { gated: _, ...storm }: Scenario<Seats> = oneSeat;

/** No scenario has a small form. */
const stormsOnly: System<Seats> = {
  ...seatsSystem,
  name: 'storms-only',
  scenarios: [storm],
  flows: [{ ...atomic, explorations: [] }],
};
export default stormsOnly;
