import type { MongoClient } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';
import type { ServerAddress } from './relay.ts';

/**
 * The address of the primary, or of the only server.
 *
 * @throws InterleaveError `invalid-option` for a sharded cluster
 */
export async function findPrimary(control: MongoClient): Promise<ServerAddress> {
  const { primary, msg } = await control.db('admin').command({ hello: 1 });
  if (msg === 'isdbgrid')
    throw new InterleaveError('invalid-option', 'The gate needs a replica set or a single server, not a mongos.');
  const [host] = control.options.hosts;
  const address = typeof primary === 'string' ? primary : String(host);
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
