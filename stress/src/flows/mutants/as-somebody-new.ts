import { randomUUID } from 'node:crypto';
import type { Answer, Rotation } from 'rotation-core/testing';

/**
 * Each attempt has other rotationIds: it takes what an earlier one has done for the work of another. Callers are told those of the last
 * attempt; one that goes on keeps its own.
 */
export async function asSomebodyNew(
  rotations: readonly Rotation[],
  attempt: (renamed: readonly Rotation[]) => Promise<ReadonlyMap<Rotation, Answer>>,
): Promise<Map<Rotation, Answer>> {
  const renamed = new Map<Rotation, Rotation>();
  for (const rotation of rotations) {
    Object.assign(rotation, { rotationId: randomUUID() });
    renamed.set({ ...rotation }, rotation);
  }
  try {
    const answers = await attempt([...renamed.keys()]);
    return new Map([...answers].map(([own, answer]) => [renamed.get(own) ?? own, answer]));
  } finally {
    for (const [own, rotation] of renamed) rotation.incarnation = own.incarnation;
  }
}
