import type { PoolWrite } from '../model/pool-write.ts';
import type { RotationViolation } from './invariants.ts';
import type { Replacements } from './replacements.ts';
import type { PoolCommit } from './rotation-run.ts';

/**
 * I3: a commit changes nothing but what its rotations do: failed keys, the backups that take their places, and the bindings of both. Beside that, a backup that was refused is
 * set aside. For runs in which only rotations change the pool.
 */
export function checkExplained({ writes }: PoolCommit, { takenFor }: Replacements): RotationViolation[] {
  const taken = new Set([...takenFor.values()].flatMap((backups) => backups.map(({ id }) => id)));
  const isExplained = (write: PoolWrite): boolean => {
    switch (write.of) {
      case 'key':
        return isReplaced(write.before?.id) || taken.has(write.after?.id ?? '');
      case 'backup':
        return taken.has(write.after?.id ?? '') || isSetAside(write);
      case 'binding':
        return isReplaced(write.before?.keyId) || taken.has(write.after?.keyId ?? '');
      case 'archive':
        return isReplaced(write.keyId);
    }
  };
  const isReplaced = (keyId = ''): boolean => takenFor.has(keyId);
  return writes
    .filter((write) => !isExplained(write))
    .map((write) => ({ invariant: 'I3', sentence: `${describe(write)} was changed, and no rotation does that` }));
}

const isSetAside = ({ before, after }: Extract<PoolWrite, { readonly of: 'backup' }>): boolean =>
  before?.isUsed === false && after?.isUsed === false && before.isSetAside !== true && after.isSetAside === true;

function describe(write: PoolWrite): string {
  if (write.of === 'archive') return `the archive's copy of ${write.keyId}`;
  const state = write.before ?? write.after;
  if (state === undefined) return `a ${write.of}`;
  return 'id' in state ? `the ${write.of} ${state.id}` : `a binding of ${state.keyId}`;
}
