import type { PoolState } from '../model/pool-state.ts';
import { checkExplained } from './check-explained.ts';
import { checkState } from './check-state.ts';
import { afterCommit, CommittedPool, touchedBy } from './committed-pool.ts';
import type { RotationViolation } from './invariants.ts';
import type { PastRotations } from './past-rotations.ts';
import { readReplacements, type Told } from './replacements.ts';
import type { PoolCommit } from './rotation-run.ts';

/**
 * I1 to I3 and the brake in every committed state. Where they hold before a commit, they hold after it if they hold of what it touched, as if the
 * run had begun just before: so a whole rotation is one commit. Ends at the first commit that breaks something, for what comes after it is
 * judged by what it began with. Linear in the writes.
 *
 * @param commits between the two states
 */
export function checkCommits(
  start: PoolState,
  final: PoolState,
  commits: readonly PoolCommit[],
  told: Told,
  past: PastRotations,
): RotationViolation[] {
  const pool = new CommittedPool(start);
  const replacedBy = new Map<string, string>();
  const pastNow = { ...past, replacementOf: (keyId: string) => replacedBy.get(keyId) ?? past.replacementOf(keyId) };
  for (const [index, commit] of commits.entries()) {
    const touched = touchedBy(commit);
    const before = pool.part(touched);
    pool.apply(commit);
    const after = pool.part(touched);
    const replacements = readReplacements(before, after, told);
    const violations = [...checkState(before, after, replacements, pastNow), ...checkExplained(commit, replacements)];
    if (violations.length > 0)
      return violations.map(({ invariant, sentence }) => ({
        invariant,
        sentence: `${afterCommit(index, commits)}: ${sentence}`,
      }));
    for (const [keyId, [taken]] of replacements.takenFor) if (taken !== undefined) replacedBy.set(keyId, taken.id);
  }
  return checkLeft(pool.state, final);
}

/** I6: what the last commit left is what is there at the end. */
function checkLeft(logged: PoolState, final: PoolState): RotationViolation[] {
  const different = [
    ...differences('the key', logged.keys, final.keys, ({ live, content }) => `${live} ${content}`),
    ...differences('the backup', logged.backups, final.backups, ({ content }) => content),
    ...differences('bindings alike:', countAlike(logged), countAlike(final), String),
  ];
  return different.map((what) => ({
    invariant: 'I6',
    sentence: `the log and the database differ at the end: ${what}`,
  }));
}

function differences<State>(
  what: string,
  logged: ReadonlyMap<string, State>,
  final: ReadonlyMap<string, State>,
  textOf: (state: State) => string,
): string[] {
  const ids = new Set([...logged.keys(), ...final.keys()]);
  const describe = (state: State | undefined): string | undefined => (state === undefined ? undefined : textOf(state));
  return [...ids].filter((id) => describe(logged.get(id)) !== describe(final.get(id))).map((id) => `${what} ${id}`);
}

const countAlike = ({ bindings }: PoolState): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { keyId, rest } of bindings) {
    const text = `${rest} on ${keyId}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
};
