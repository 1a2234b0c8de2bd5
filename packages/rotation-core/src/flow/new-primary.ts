import type { MongoClient, TopologyDescriptionChangedEvent } from 'mongodb';

/** The command or transaction was sent to a member that is not the primary any more. A frozen one would keep the caller waiting for ever. */
export class PrimaryChanged extends Error {
  override readonly name = 'PrimaryChanged';

  constructor() {
    super('another member has become the primary');
  }
}

/** Who waits for an answer of the primary of one client. */
interface Watch {
  /** Its address, as far as it was ever seen. */
  primary: string | undefined;
  readonly waiting: Set<(error: PrimaryChanged) => void>;
}

const watches = new WeakMap<MongoClient, Watch>();

/**
 * Waits for work on the primary, but not on one that was deposed: a member that hangs, or that no packet reaches, answers nothing, while the others
 * have elected another one. The work itself goes on; what it does later must do no harm.
 *
 * @throws PrimaryChanged
 */
export async function orNewPrimary<T>(client: MongoClient, work: Promise<T>): Promise<T> {
  const { waiting } = watchOf(client);
  const changed = Promise.withResolvers<never>();
  waiting.add(changed.reject);
  try {
    return await Promise.race([work, changed.promise]);
  } finally {
    waiting.delete(changed.reject);
  }
}

function watchOf(client: MongoClient): Watch {
  const known = watches.get(client);
  if (known !== undefined) return known;
  const watch: Watch = { primary: undefined, waiting: new Set() };
  watches.set(client, watch);
  client.on('topologyDescriptionChanged', ({ previousDescription, newDescription }) => {
    const before = watch.primary ?? primaryOf(previousDescription);
    const now = primaryOf(newDescription);
    watch.primary = now ?? before;
    if (now === undefined || before === undefined || now === before) return;
    for (const reject of watch.waiting) reject(new PrimaryChanged());
  });
  return watch;
}

const primaryOf = ({ servers }: TopologyDescriptionChangedEvent['newDescription']): string | undefined =>
  [...servers.values()].find(({ type }) => type === 'RSPrimary')?.address;
