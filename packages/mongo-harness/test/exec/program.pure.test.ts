import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAlive, until } from 'test-kit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Program } from '../../src/exec/program.ts';
import { protocol, type Seats } from '../support/seats-system.ts';

/* Programs are shell commands here; none of them asks for a database. */

const place = { uri: 'mongodb://127.0.0.1:1/', database: 'seats_none', variable: 'SEATS_DATABASE' };
const call = { op: 'reserve', seat: 's1' } as const;
const service = { name: 'box-office' };
const MAX_END_MS = 10_000;

function start(command: string): Program<Seats> {
  const program = new Program(command, place, protocol);
  onTestFinished(() => program.kill());
  return program;
}

const answering = (answer: string): string => `while read -r line; do echo '${answer}'; done`;

test('a call is a line on its input, and its answer a line on its output', async () => {
  const program = start(
    'read -r line; text=$(echo "$line" | tr -d \'"\'); echo "{\\"id\\":1,\\"outcome\\":\\"error\\",\\"text\\":\\"$text\\"}"',
  );
  expect(await program.call(call, service)).toEqual({
    kind: 'error',
    code: 'program',
    message: '{id:1,op:reserve,service:box-office,seat:s1}',
  });
});

test('its environment says where the data is', async () => {
  const program = start(
    'read -r _; echo "{\\"id\\":1,\\"outcome\\":\\"reserved\\",\\"ticket\\":\\"$MONGODB_URI $SEATS_DATABASE\\"}"',
  );
  const answer = await program.call(call, service);
  expect(answer).toEqual({ kind: 'reserved', ticket: `${place.uri} ${place.database}` });
});

test('an answer may come in pieces', async () => {
  const program = start(`read -r _; printf '{"id":1,'; printf '"outcome":"unknown-seat"}'; echo; cat >&2`);
  expect(await program.call(call, service)).toEqual({ kind: 'unknown-seat' });
});

describe('a program that fails is an error of its call, and of all further ones', () => {
  test.each([
    [
      'a line that is no answer',
      answering('hello'),
      'program-wrong',
      /^line 1 of the program's output is not JSON: hello;/,
    ],
    [
      'a second answer to one call',
      `read -r _; printf '{"id":1,"outcome":"unknown-seat"}\\n{"id":1,"outcome":"unknown-seat"}\\n'; cat >&2`,
      'program-wrong',
      /^line 2 of the program's output came when no call was open; answer each call once$/,
    ],
    [
      'a line without end',
      'read -r _; yes | tr -d "\\n"',
      'program-wrong',
      /^line 1 .* is longer than 100000 characters$/,
    ],
    [
      'an end in the middle',
      'echo first >&2; read -r _; echo "  last" >&2; exit 3',
      'program-ended',
      /^the program ended with exit code 3 before it answered call 1; it last said: first \| last$/,
    ],
    [
      'a command that is not there',
      'no-such-program',
      'program-ended',
      /ended with exit code 127 before it answered call 1; it last said: .*no-such-program: not found$/,
    ],
    [
      'a signal',
      'read -r _; kill -TERM $$',
      'program-ended',
      /^the program ended by SIGTERM before it answered call 1$/,
    ],
    ['silence', 'cat >&2', 'program-silent', /^the program did not answer call 1 within 1000 ms/],
  ])('%s', async (_what, command, code, message) => {
    const program = start(command);
    const told = await program.call(call, service, 1_000);
    const failed = told.kind === 'unknown-seat' ? await afterwards(program) : told;
    expect(failed).toEqual({ kind: 'error', code, message: expect.stringMatching(message) });
    expect(program.isUsable).toBe(false);
    expect(await program.call(call, service)).toEqual(failed);
  });

  /** What came out too late to be an answer. */
  const afterwards = async (program: Program<Seats>) => {
    await until('it has failed', MAX_END_MS, () => !program.isUsable);
    return program.call(call, service);
  };

  test('a call that is open when we kill it is never answered', async () => {
    const program = start('cat >&2');
    let isAnswered = false;
    void program.call(call, service).then(() => (isAnswered = true));
    await program.kill();
    expect(isAnswered).toBe(false);
  });
});

describe('nothing is left', () => {
  /** Says the pids of the program and of a child of its own, and answers once. */
  const withChild = (rest: string): string =>
    `sleep 1000 & child=$!; read -r _; echo "{\\"id\\":1,\\"outcome\\":\\"reserved\\",\\"ticket\\":\\"$$ $child\\"}"; ${rest}`;
  const pidsOf = async (program: Program<Seats>): Promise<number[]> => {
    const answer = await program.call(call, service);
    if (answer.kind !== 'reserved') throw new Error(JSON.stringify(answer));
    const pids = answer.ticket.split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    return pids;
  };
  const areAlive = (pids: readonly number[]) => () => pids.some(isAlive);

  test('of a program that ends with its input, though its child goes on', async () => {
    const program = start(withChild('read -r _'));
    const pids = await pidsOf(program);
    await program.end();
    await expect.poll(areAlive(pids), { timeout: MAX_END_MS }).toBe(false);
  });

  test('of one that goes on when its input has ended', async () => {
    const program = start(withChild('trap "" TERM INT HUP; while :; do sleep 1000; done'));
    const pids = await pidsOf(program);
    await program.end();
    await expect.poll(areAlive(pids), { timeout: MAX_END_MS }).toBe(false);
  });

  test('of one that is killed', async () => {
    const program = start(withChild('cat >&2'));
    const pids = await pidsOf(program);
    await program.kill();
    await expect.poll(areAlive(pids), { timeout: MAX_END_MS }).toBe(false);
  });

  test('when the harness is killed with kill -9', async () => {
    const command = withChild('while :; do sleep 1000; done');
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const source = `
      const { Program } = await import(${module('../../src/exec/program.ts')});
      const { protocol } = await import(${module('../support/seats-system.ts')});
      const program = new Program(${JSON.stringify(command)}, ${JSON.stringify(place)}, protocol);
      console.log((await program.call(${JSON.stringify(call)}, ${JSON.stringify(service)})).ticket);`;
    const harness = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 2],
    });
    onTestFinished(() => void harness.kill('SIGKILL'));
    const [said]: unknown[] = harness.stdout === null ? [] : await once(harness.stdout, 'data');
    const pids = String(said).split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    harness.kill('SIGKILL');
    await expect.poll(areAlive(pids), { timeout: MAX_END_MS }).toBe(false);
  });
});
