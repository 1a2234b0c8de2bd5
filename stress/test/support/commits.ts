import type { PoolState } from '../../src/model/pool-state.ts';
import type { PoolWrite } from '../../src/model/pool-write.ts';
import type { PoolCommit } from '../../src/checker/rotation-run.ts';

/** What makes one pool of the other, in a single commit. @param rotationId of the claims in it */
export function commitsBetween(before: PoolState, after: PoolState, rotationId?: string): PoolCommit[] {
  const writes: PoolWrite[] = [
    ...changed(before.keys, after.keys).map((states) => ({ of: 'key' as const, ...states })),
    ...changed(before.backups, after.backups).map(({ after: backup, ...states }) => ({
      of: 'backup' as const,
      ...states,
      ...(backup === undefined ? {} : { after: { ...backup, ...(rotationId === undefined ? {} : { rotationId }) } }),
    })),
    ...missing(before.bindings, after.bindings).map((binding) => ({ of: 'binding' as const, before: binding })),
    ...missing(after.bindings, before.bindings).map((binding) => ({ of: 'binding' as const, after: binding })),
  ];
  return writes.length === 0 ? [] : [{ isTransaction: true, writes }];
}

interface Changed<State> {
  readonly before?: State;
  readonly after?: State;
}

function changed<State extends { readonly content: string }>(
  before: ReadonlyMap<string, State>,
  after: ReadonlyMap<string, State>,
): Changed<State>[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])];
  return ids.flatMap((id) => {
    const [was, is] = [before.get(id), after.get(id)];
    if (was?.content === is?.content) return [];
    return [{ ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
  });
}

/** Of all that are alike, those that the others have fewer of. */
function missing(all: PoolState['bindings'], others: PoolState['bindings']): PoolState['bindings'] {
  const left = others.map((other) => JSON.stringify(other));
  return all.filter((one) => {
    const index = left.indexOf(JSON.stringify(one));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
