import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../src/subjects/exec/answer.ts';

test.each([
  ['{"id":1,"outcome":"rotated","replacement":"b1"}', { kind: 'rotated', replacement: 'b1' }],
  ['{"outcome":"already-rotated","replacement":"b1","id":1}', { kind: 'already-rotated', replacement: 'b1' }],
  ['{"id":1,"outcome":"already-rotated"}', { kind: 'already-rotated' }],
  [' {"id": 1, "outcome": "no-backup"}\r', { kind: 'no-backup' }],
  ['{"id":1,"outcome":"not-found"}', { kind: 'not-found' }],
  ['{"id":1,"outcome":"error","text":"boom"}', { kind: 'error', code: 'program', message: 'boom' }],
])('%s', (line, outcome) => {
  expect(parseAnswer(line, 1)).toEqual({ kind: 'answer', outcome });
});

describe('a line that is no answer is told what is wrong and what to do', () => {
  test.each([
    ['', 'is not JSON: ; print answers only, and all else to standard error'],
    ['starting', 'is not JSON: starting; print answers only, and all else to standard error'],
    ['[1]', 'is no JSON object: [1]; answer like {"id":7,"outcome":"not-found"}'],
    ['{"id":"7","outcome":"rotated"}', 'has id "7", but call 7 is open; repeat the id of the call'],
    ['{"outcome":"rotated"}', 'has id missing, but call 7 is open; repeat the id of the call'],
    ['{"id":7}', 'has outcome missing; it is one of rotated, already-rotated, no-backup, not-found, error'],
    [
      '{"id":7,"outcome":"toString"}',
      'has outcome "toString"; it is one of rotated, already-rotated, no-backup, not-found, error',
    ],
    ['{"id":7,"outcome":"rotated"}', 'has replacement missing; with rotated it is a string that is not empty'],
    [
      '{"id":7,"outcome":"already-rotated","replacement":""}',
      'has replacement ""; with already-rotated it is a string that is not empty',
    ],
    [
      '{"id":7,"outcome":"rotated","replacment":"b1"}',
      'has a field "replacment"; rotated has id, outcome, replacement (did you mean replacement?)',
    ],
    [
      '{"id":7,"outcome":"no-backup","replacement":"b1"}',
      'has a field "replacement"; no-backup has id, outcome (did you mean outcome?)',
    ],
    ['{"id":7,"outcome":"error"}', 'has text missing; with error it is a string that is not empty'],
  ])('%s', (line, complaint) => {
    expect(parseAnswer(line, 7)).toEqual({ kind: 'wrong', complaint });
  });

  test('in one line of bounded length', () => {
    const answer = parseAnswer('x'.repeat(10_000), 7);
    expect(answer.kind === 'wrong' && answer.complaint.length).toBeLessThan(200);
  });
});
