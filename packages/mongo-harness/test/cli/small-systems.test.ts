import { CommandLine, createStore, type Ended, oneMemberSet } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import type { StoredResult } from '../../src/report/store.ts';

/* Systems that leave out what a system may leave out. */

const environment = { MONGODB_URI: oneMemberSet().uri };
/** Nobody answers there: what ends with 64 did not ask. */
const NO_MONGODB = { MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=none' };
vi.setConfig({ testTimeout: 120_000 });

const command = new CommandLine('packages/mongo-harness/test/support/main.ts', 'BARE_');
const run = (line: string, variables: NodeJS.ProcessEnv = environment): Promise<Ended> =>
  command.run(line.split(' '), variables);
/** What the command says when it refuses to begin. */
const complaintOf = async (line: string): Promise<string> => {
  const { code, stdout, stderr } = await run(line, NO_MONGODB);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  return stderr;
};

describe.concurrent('without next, show, mutants and programs', () => {
  test('storms and explorations run, in a table without further columns', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(`bare --store ${store.path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /\nscenario +flow +deployment +procs +callers +answers \(p50\/p99 ms\) +conflicts +verdict\n/,
    );
    expect(stdout).toMatch(/\none-seat +atomic +hall +2 +20 +19 already-reserved \S+, 1 reserved \S+ +0 +valid\n/);
    expect(stdout).toMatch(/\none-seat +atomic +hall +2 +2 +\d+ of \d+ classes, .* complete +valid\n/);
    expect(stdout).toContain('2 passed, 0 failed\n');
    expect(store.result()).toMatchObject({ system: 'bare', rows: [{ storm: { columns: {} } }, {}] });
    // The result alone: no row was violated.
    expect(store.files()).toEqual([expect.stringMatching(/^[^/]+\/result\.json$/)]);
  });

  test('a trace shows calls and answers as JSON', async () => {
    const { code, stdout } = await run('bare replay v1:AB');
    expect(code).toBe(0);
    expect(stdout).toContain(
      'A returned "caller 0: [{\\"op\\":\\"reserve\\",\\"seat\\":\\"s1\\"},{\\"kind\\":\\"reserved\\"',
    );
  });

  test('the catalogue has nothing to show', async () => {
    expect(await complaintOf('bare catalogue')).toBe(
      'error: The system bare has no mutants that interleavings show.\n',
    );
    expect(await complaintOf('bare catalogue --flow atomic')).toContain("'atomic' is invalid. There are none.\n");
  });

  test('--exec is no option', async () => {
    expect(await complaintOf('bare --exec true')).toContain("error: unknown option '--exec'\n");
  });

  test.each(['', 'explore ', 'replay ', 'check ', 'catalogue ', 'fault-catalogue '])(
    '%s--help names nothing that is not there',
    async (name) => {
      const { code, stdout, stderr } = await run(`bare ${name}--help`, NO_MONGODB);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`$ pnpm bare`);
      expect(stdout).not.toMatch(/undefined|--exec|--(?:flow|scenario|deployment) (?: |$|--)/m);
    },
  );
});

describe.concurrent('without a small form of any scenario', () => {
  test('the storms run alone', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(`storms-only --store ${store.path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('1 passed, 0 failed\n');
  });

  test.each(['explore', 'explore --flow atomic', 'replay v1:AB'])(
    '%s says that there is nothing to explore',
    async (line) => {
      expect(await complaintOf(`storms-only ${line}`)).toBe(
        'error: No scenario of the system storms-only is small enough for every interleaving: give one a gated form.\n',
      );
    },
  );
});

describe.concurrent('without a large form of any scenario', () => {
  test('the explorations run alone', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(`small-only --store ${store.path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('1 passed, 0 failed\n');
  });

  test('a storm of a scenario is refused', async () => {
    expect(await complaintOf('small-only --scenario one-seat')).toContain("'one-seat' is invalid. There are none.\n");
  });
});
