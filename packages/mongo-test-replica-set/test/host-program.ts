// A host program that starts a set and then ends in the way its first argument says; run by process-end.test.ts.
import { MongoClient } from 'mongodb';
import { startLocalSet } from './local-set.ts';

const ending = process.argv[2];
const members = Number(process.argv[3]);

process.stdout.write('starting\n');
const set = await startLocalSet({ members, endOnInterrupt: ending !== 'handles-interrupt' });

if (ending === 'handles-interrupt') {
  process.once('SIGINT', () => void finishAndStop());
}
process.stdout.write('ready\n');
if (ending === 'exits') process.exit(7);
if (ending === 'freezes') {
  await set.freezeMember('primary');
  process.stdout.write('frozen\n');
}

async function finishAndStop(): Promise<void> {
  const client = new MongoClient(set.uri);
  await client.db('test_host').collection('results').insertOne({ written: 'after the interrupt' });
  await client.close();
  await set.stop();
  process.stdout.write('written\n');
  process.exit(130);
}
