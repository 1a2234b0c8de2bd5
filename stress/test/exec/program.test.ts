import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Program } from '../../src/subjects/exec/program.ts';
import { isAlive, until } from '../support/stress-command.ts';

/* Programs are shell commands here; none of them asks for a database. */

const place = { uri: 'mongodb://127.0.0.1:1/', database: 'rotation_none' };
const ENDS_MAX_MS = 10_000;

function start(command: string): Program {
  const program = new Program(command, place);
  onTestFinished(() => program.kill());
  return program;
}

const answering = (answer: string): string => `while read -r line; do echo '${answer}'; done`;

test('a call is a line on its input, and its answer a line on its output', async () => {
  const program = start(
    'read -r line; text=$(echo "$line" | tr -d \'"\'); echo "{\\"id\\":1,\\"outcome\\":\\"error\\",\\"text\\":\\"$text\\"}"',
  );
  expect(await program.rotate('keypool', 'k1')).toEqual({
    kind: 'error',
    code: 'program',
    message: '{op:rotate,id:1,pool:keypool,key:k1}',
  });
});

test('its environment says where the pool is', async () => {
  const program = start(
    'read -r _; echo "{\\"id\\":1,\\"outcome\\":\\"rotated\\",\\"replacement\\":\\"$MONGODB_URI $ROTATION_DATABASE\\"}"',
  );
  const outcome = await program.rotate('keypool', 'k1');
  expect(outcome).toEqual({ kind: 'rotated', replacement: `${place.uri} ${place.database}` });
});

test('an answer may come in pieces', async () => {
  const program = start(`read -r _; printf '{"id":1,'; printf '"outcome":"not-found"}'; echo; cat >&2`);
  expect(await program.rotate('keypool', 'k1')).toEqual({ kind: 'not-found' });
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
      `read -r _; printf '{"id":1,"outcome":"not-found"}\\n{"id":1,"outcome":"not-found"}\\n'; cat >&2`,
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
    const told = await program.rotate('keypool', 'k1', 1_000);
    const failed = told.kind === 'not-found' ? await afterwards(program) : told;
    expect(failed).toEqual({ kind: 'error', code, message: expect.stringMatching(message) });
    expect(program.isUsable).toBe(false);
    expect(await program.rotate('keypool', 'k1')).toEqual(failed);
  });

  /** What came out too late to be an answer. */
  const afterwards = async (program: Program) => {
    await until('it has failed', ENDS_MAX_MS, () => !program.isUsable);
    return program.rotate('keypool', 'k1');
  };

  test('a call that is open when we kill it is never answered', async () => {
    const program = start('cat >&2');
    let isAnswered = false;
    void program.rotate('keypool', 'k1').then(() => (isAnswered = true));
    await program.kill();
    expect(isAnswered).toBe(false);
  });
});

describe('nothing is left', () => {
  /** Says the pids of the program and of a child of its own, and answers once. */
  const withChild = (rest: string): string =>
    `sleep 1000 & child=$!; read -r _; echo "{\\"id\\":1,\\"outcome\\":\\"rotated\\",\\"replacement\\":\\"$$ $child\\"}"; ${rest}`;
  const pidsOf = async (program: Program): Promise<number[]> => {
    const outcome = await program.rotate('keypool', 'k1');
    if (outcome.kind !== 'rotated') throw new Error(JSON.stringify(outcome));
    const pids = outcome.replacement.split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    return pids;
  };
  const areAlive = (pids: readonly number[]) => () => pids.some(isAlive);

  test('of a program that ends with its input, though its child goes on', async () => {
    const program = start(withChild('read -r _'));
    const pids = await pidsOf(program);
    await program.end();
    await expect.poll(areAlive(pids), { timeout: ENDS_MAX_MS }).toBe(false);
  });

  test('of one that goes on when its input has ended', async () => {
    const program = start(withChild('trap "" TERM INT HUP; while :; do sleep 1000; done'));
    const pids = await pidsOf(program);
    await program.end();
    await expect.poll(areAlive(pids), { timeout: ENDS_MAX_MS }).toBe(false);
  });

  test('of one that is killed', async () => {
    const program = start(withChild('cat >&2'));
    const pids = await pidsOf(program);
    await program.kill();
    await expect.poll(areAlive(pids), { timeout: ENDS_MAX_MS }).toBe(false);
  });

  test('when the harness is killed with kill -9', async () => {
    const command = withChild('while :; do sleep 1000; done');
    const module = new URL('../../src/subjects/exec/program.ts', import.meta.url).href;
    const source = `
      const { Program } = await import(${JSON.stringify(module)});
      const program = new Program(${JSON.stringify(command)}, ${JSON.stringify(place)});
      console.log((await program.rotate('keypool', 'k1')).replacement);`;
    const harness = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 2],
    });
    onTestFinished(() => void harness.kill('SIGKILL'));
    const [said]: unknown[] = harness.stdout === null ? [] : await once(harness.stdout, 'data');
    const pids = String(said).split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    harness.kill('SIGKILL');
    await expect.poll(areAlive(pids), { timeout: ENDS_MAX_MS }).toBe(false);
  });
});
