/* Compiled and run like every-entry.ts. */
import { assert, property } from 'fast-check';
import { schedules } from 'mongo-interleave/fast-check';

export function wrong(): void {
  // @ts-expect-error clients is a number
  schedules({ clients: 'two' });
}

let drawn = 0;
assert(
  property(schedules({ clients: 2 }), ({ clients }) => {
    drawn += 1;
    return clients.length === 2;
  }),
  { numRuns: 10 },
);
process.stdout.write(JSON.stringify({ drawn }));
