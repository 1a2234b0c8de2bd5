import { describe, expect, test } from 'vitest';
import { runHost } from './run-host.ts';
import { startLocalSet } from './local-set.ts';
import { foldersOf, killersOf, mongodsOf, until } from './traces.ts';

// Each test has a host of its own, and most of the time is waiting.
describe.concurrent('when the host ends', () => {
  test('kill -9 of the host: mongods are gone within seconds, the next start removes the folder', async () => {
    await using host = runHost('host-program.ts', ['waits', '3']);
    await host.printed('ready');
    expect(mongodsOf(host.pid)).toHaveLength(3);

    host.kill('SIGKILL');
    await host.ended();
    // mongodb-memory-server's second process looks every 2 s whether its parent lives.
    await until('mongods gone', 20_000, () => mongodsOf(host.pid).length === 0);

    await using other = await startLocalSet({ members: 1 });
    expect(foldersOf(host.pid)).toEqual([]);
    expect(await other.primary()).toEqual(other.members[0]);
  });

  test('kill -9 of everything but mongod: the next start ends it', async () => {
    await using host = runHost('host-program.ts', ['waits', '1']);
    await host.printed('ready');
    host.kill('SIGKILL');
    const killers = killersOf(host.pid);
    expect(killers).toHaveLength(1);
    for (const killer of killers) process.kill(killer, 'SIGKILL');
    await host.ended();
    const start = startLocalSet({ members: 1 });
    await until('the folder gone', 20_000, () => foldersOf(host.pid).length === 0);
    // Without its data a mongod gives up after a second or two; it is to be gone before its data are.
    expect(mongodsOf(host.pid)).toEqual([]);
    await (await start).stop();
  });

  test('a start leaves the folder of a living host alone', async () => {
    await using host = runHost('host-program.ts', ['waits', '1']);
    await host.printed('ready');
    const other = await startLocalSet({ members: 1 });
    await other.stop();
    expect(foldersOf(host.pid)).toHaveLength(1);
    expect(mongodsOf(host.pid)).toHaveLength(1);
    host.kill('SIGTERM');
    await host.ended();
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends the set and then the host', async (signal) => {
    await using host = runHost('host-program.ts', ['waits', '1']);
    await host.printed('ready');
    expect(mongodsOf(host.pid)).toHaveLength(1);
    host.kill(signal);
    expect(await host.ended()).toEqual({ code: null, signal });
    expect(foldersOf(host.pid)).toEqual([]);
    await until('mongods gone', 5_000, () => mongodsOf(host.pid).length === 0);
  });

  test('SIGINT during a start leaves nothing', async () => {
    await using host = runHost('host-program.ts', ['waits', '3']);
    await until('a mongod of the host', 30_000, () => mongodsOf(host.pid).length > 0);
    host.kill('SIGINT');
    expect(await host.ended()).toEqual({ code: null, signal: 'SIGINT' });
    expect(host.output()).not.toContain('ready');
    await until('mongods gone', 5_000, () => mongodsOf(host.pid).length === 0);
    expect(foldersOf(host.pid)).toEqual([]);
  });

  test('a host that has nothing else to do waits for the end of its mongods', async () => {
    await using host = runHost('kill-program.ts', []);
    // Node.js ends with 13 where something is waited for that nothing can bring about any more.
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    expect(host.output()).toBe('killed\n');
  });

  test('an exit without stop leaves nothing', async () => {
    await using host = runHost('host-program.ts', ['exits', '1']);
    expect(await host.ended()).toEqual({ code: 7, signal: null });
    expect(foldersOf(host.pid)).toEqual([]);
    await until('mongods gone', 5_000, () => mongodsOf(host.pid).length === 0);
  });

  test('a host that handles SIGINT itself still has its database then', async () => {
    await using host = runHost('host-program.ts', ['handles-interrupt', '1']);
    await host.printed('ready');
    host.kill('SIGINT');
    expect(await host.ended()).toEqual({ code: 130, signal: null });
    expect(host.output()).toContain('written');
    expect(foldersOf(host.pid)).toEqual([]);
  });
});
