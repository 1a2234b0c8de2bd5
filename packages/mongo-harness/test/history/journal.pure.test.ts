import { createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JournalWriter, readJournal } from '../../src/history/journal.ts';
import { Recorder } from '../../src/history/recorder.ts';
import type { Seats } from '../support/seats-system.ts';

const invocation = (caller: number) => ({
  caller,
  process: 1,
  service: 'box-office',
  call: { op: 'reserve', seat: `s${caller}` } as const,
  invoked: { atMs: caller },
});

/** What a process with two calls leaves, of which one is answered. */
function write(file: string): void {
  const journal = new JournalWriter<Seats>(openSync(file, 'w'));
  const [first, second] = [invocation(1), invocation(2)];
  journal.invoke(first);
  journal.invoke(second);
  journal.claimed({ seat: 's1', caller: 1 });
  journal.conflicted();
  journal.lostRace();
  journal.answer(first, { kind: 'sold-out' }, 9);
  journal.done();
}

async function read(text: Readable) {
  const recorder = new Recorder<Seats>();
  let done = 0;
  await readJournal(
    text,
    () => recorder,
    () => done++,
  );
  return { done, history: recorder.history('ms') };
}

test('the parent reads what was written; who has no answer has crashed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  try {
    const file = join(folder, 'journal');
    write(file);
    const { done, history } = await read(createReadStream(file));
    expect(done).toBe(1);
    expect(history).toMatchObject({
      operations: [
        { caller: 1, invokedAtMs: 1, completedAtMs: 9, answer: { kind: 'sold-out' } },
        { caller: 2, invokedAtMs: 2, answer: { kind: 'crashed' } },
      ],
      claims: [{ seat: 's1', caller: 1 }],
      conflicts: 1,
      lostRaces: 1,
    });

    // A process that is killed in the middle of a line: the answer never reached anybody.
    const text = readFileSync(file, 'utf8');
    const cut = text.slice(0, text.indexOf('"answered"') + 20);
    expect((await read(Readable.from([cut]))).history.operations.map(({ answer }) => answer.kind)).toEqual([
      'crashed',
      'crashed',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
