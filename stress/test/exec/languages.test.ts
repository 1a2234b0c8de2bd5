import { openGatedScenario, planExploration, runExploration } from 'mongo-harness/testing';
import { formatRun } from 'mongo-interleave';
import { LANGUAGES, oneMemberSet, prepareExample, type Language } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';

/*
 * The same flow, with the driver of each language, as the same program behind the protocol. They know nothing of the gate. At night,
 * ROTATION_LANGUAGES names all of them: building a driver takes minutes.
 */

const chosen = (process.env['ROTATION_LANGUAGES'] ?? 'python,go').split(',');
const uri = oneMemberSet().uri;
vi.setConfig({ testTimeout: 1_000_000 });

const isChosen = (language: Language): boolean => chosen.includes(language);

describe.for(LANGUAGES)('%s', (language) => {
  test.skipIf(!isChosen(language))('18 classes, and the token that every driver has', async ({ skip }) => {
    const toolchain = await prepareExample(language);
    if (toolchain.kind === 'missing') return skip(toolchain.reason);
    const choice = { exec: toolchain.command, scenario: 'same-key', callers: 2, judged: 'end' } as const;
    const trial = planExploration(rotationSystem, choice);
    const limits = { maxViolations: Infinity, signal: AbortSignal.timeout(100_000) };
    const { complete, progress, simplest } = await runExploration(rotationSystem, uri, trial, limits);
    expect({ complete, classes: progress.classes, token: simplest?.token }).toEqual({
      complete: true,
      classes: 18,
      token: 'v1:AAAABBBBBBA',
    });
    await using scenario = await openGatedScenario(rotationSystem, uri, trial);
    expect(formatRun(await scenario.session.run('v1:AAAABBBBBBA'))).toContain('k1 took 2 backups instead of one');
  });
});

test('the languages that are chosen are known', () => {
  expect(chosen.filter((name) => !(LANGUAGES as readonly string[]).includes(name))).toEqual([]);
});
