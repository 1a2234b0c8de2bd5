import type { MongoClient } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';
import type { GateOptions } from './gate.ts';
import type { ServerAddress } from './relay.ts';

/**
 * The address of the primary, or of the only server, and the name of its replica set if another member may become the primary, which the
 * control client must find then.
 *
 * @throws InterleaveError `invalid-option` for a sharded cluster
 */
export async function findPrimary(control: MongoClient): Promise<Pick<GateOptions, 'server' | 'replicaSet'>> {
  const { primary, msg, setName, hosts } = await control.db('admin').command({ hello: 1 });
  if (msg === 'isdbgrid')
    throw new InterleaveError('invalid-option', 'The gate needs a replica set or a single server, not a mongos.');
  const [host] = control.options.hosts;
  const server = addressOf(typeof primary === 'string' ? primary : String(host));
  const hasOthers = Array.isArray(hosts) && hosts.length > 1 && !control.options.directConnection;
  return hasOthers ? { server, replicaSet: String(setName) } : { server };
}

/** @param address as in `127.0.0.1:27017` or `[::1]:27017` */
export function addressOf(address: string): ServerAddress {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
