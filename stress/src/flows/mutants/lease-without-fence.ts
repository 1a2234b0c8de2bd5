import type { RotationFaultMutant } from '../rotation-flow.ts';
import { contendedKeys } from './fault-storm.ts';
import { openOldFlow } from './old-steps.ts';

/** Longer than a rotation takes; a frozen process is away for up to 9 s. */
const LEASE_MS = 1_000;

export const leaseWithoutFence: RotationFaultMutant = {
  name: 'lease-without-fence',
  about:
    'leases the key for a second, and goes on where a dead holder stopped; a frozen one goes on too, and claims once more',
  expected: 'violated',
  judged: 'end',
  breaks: ['I1'],
  storms: [],
  explorations: [],
  faultStorms: [contendedKeys('freeze-caller')],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    if (!(await steps.leaseKey(keyId, LEASE_MS))) return { kind: 'busy' };
    // The claim, as each later write, would have to name the lease that it counts on.
    const backup = (await steps.findClaim(keyId)) ?? (await steps.claimBackup(keyId));
    if (backup === null) return { kind: 'no-backup' };
    await steps.ensureKey(backup);
    await steps.moveBindings(keyId, backup._id);
    return (await steps.deleteKey(keyId))
      ? { kind: 'rotated', replacement: backup._id }
      : { kind: 'already-rotated', replacement: backup._id };
  }),
};
