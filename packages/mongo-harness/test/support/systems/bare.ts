import type { System } from '../../../src/index.ts';
import seatsSystem, { atomic, type Seats } from '../seats-system.ts';

/** Without anything that a system may leave out: no `next`, no `show`, no mutant, no program. */
const bare: System<Seats> = { ...seatsSystem, name: 'bare', flows: [atomic] };
export default bare;
