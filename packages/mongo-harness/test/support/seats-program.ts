/*
 * A program that sells seats, one command at a time: `seats-program.ts [MODE]`.
 *
 * - `prepared`: reads the seats when it starts, and then says that it is ready
 * - `many`: says that it takes a hundred calls at once, and answers them in the order in which they come to their end
 * - `lazy`: reads the seats at its first call
 * - `remembers`: keeps the seats that it has tried to sell in memory, and looks for them twice
 */
import { createInterface } from 'node:readline';
import { MongoClient } from 'mongodb';

const [, , mode = ''] = process.argv;
const { MONGODB_URI = '', SEATS_DATABASE = '' } = process.env;
const client = new MongoClient(MONGODB_URI);
const seats = client.db(SEATS_DATABASE).collection<{ _id: string; sold: number }>('seats');
const sold = new Set<string>();
let calls = 0;

const readAll = (): Promise<unknown> => seats.find().toArray();

async function reserve(_id: string): Promise<object> {
  if (mode === 'lazy' && calls++ === 0) await readAll();
  if (mode === 'remembers' && sold.has(_id)) {
    await seats.findOne({ _id });
    await seats.findOne({ _id });
    return { outcome: 'already-reserved' };
  }
  const { modifiedCount } = await seats.updateOne({ _id, sold: 0 }, { $inc: { sold: 1 } });
  sold.add(_id);
  return modifiedCount === 0
    ? { outcome: 'already-reserved' }
    : { outcome: 'reserved', ticket: `${_id} of ${process.pid}` };
}

if (mode === 'prepared') await readAll();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
if (mode === 'prepared') say({ ready: true });
if (mode === 'many') say({ ready: true, maxCalls: 100 });
const answers: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const { id, seat } = JSON.parse(line) as { id: number; seat: string };
  answers.push(reserve(seat).then((answer) => say({ id, ...answer })));
}
await Promise.all(answers);
await client.close();
