import { readFile } from 'node:fs/promises';
import { parseAnswer } from 'mongo-harness/testing';
import { describe, expect, test } from 'vitest';
import { program } from '../../src/flows/program.ts';

/* What the page about the protocol shows is what the code takes and says. */

const page = await readFile(new URL('../../../docs/any-language.md', import.meta.url), 'utf8');

describe('the session: each answer is one to its call', () => {
  const lines = [...page.matchAll(/^([<>]) (.*)$/gm)].map(([, side, text = '']) => ({ side, text }));
  test.each(lines.filter(({ side }) => side === '<'))('$text', ({ text }) => {
    const call: unknown = JSON.parse(lines[lines.findIndex((line) => line.text === text) - 1]?.text ?? '');
    expect(call).toMatchObject({ op: 'rotate', id: expect.any(Number), pool: 'keypool', key: expect.any(String) });
    expect(parseAnswer(program.protocol, text, [(call as { id: number }).id]).kind).toBe('answer');
  });
});

test('the table has all outcomes', () => {
  const [, table = ''] = page.split('### An answer');
  const [rows = ''] = table.split('### Order');
  const [, ...words] = [...rows.matchAll(/^\| `([a-z-]+)` /gm)].map(([, word]) => word);
  const complaint = parseAnswer(program.protocol, '{"id":1}', [1]);
  expect(complaint).toMatchObject({ complaint: `has outcome missing; it is one of ${words.join(', ')}` });
});

test('the complaint that it shows is made', () => {
  const answer = parseAnswer(program.protocol, '{"id":1,"outcome":"rotated","replacment":"b1"}', [1]);
  expect(page).toContain(`--exec: line 1 of the program's output ${answer.kind === 'wrong' ? answer.complaint : ''}\n`);
});
