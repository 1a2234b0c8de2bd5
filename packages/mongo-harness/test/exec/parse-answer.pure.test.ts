import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../src/exec/parse-answer.ts';
import { protocol } from '../support/seats-system.ts';

test.each([
  ['{"id":1,"outcome":"reserved","ticket":"t1"}', { kind: 'reserved', ticket: 't1' }],
  ['{"outcome":"already-reserved","ticket":"t1","id":1}', { kind: 'already-reserved', ticket: 't1' }],
  ['{"id":1,"outcome":"already-reserved"}', { kind: 'already-reserved' }],
  [' {"id": 1, "outcome": "sold-out"}\r', { kind: 'sold-out' }],
  ['{"id":1,"outcome":"unknown-seat"}', { kind: 'unknown-seat' }],
  ['{"id":1,"outcome":"error","text":"boom"}', { kind: 'error', code: 'program', message: 'boom' }],
])('%s', (line, answer) => {
  expect(parseAnswer(protocol, line, [1])).toEqual({ kind: 'answer', id: 1, answer });
});

describe('a line that is no answer is told what is wrong and what to do', () => {
  test.each([
    ['', 'is not JSON: ; print answers only, and all else to standard error'],
    ['starting', 'is not JSON: starting; print answers only, and all else to standard error'],
    ['[1]', 'is no JSON object: [1]; answer like {"id":7,"outcome":"unknown-seat"}'],
    ['{"id":"7","outcome":"reserved"}', 'has id "7", but call 7 is open; repeat the id of the call'],
    ['{"outcome":"reserved"}', 'has id missing, but call 7 is open; repeat the id of the call'],
    ['{"id":7}', 'has outcome missing; it is one of reserved, already-reserved, sold-out, unknown-seat, error'],
    [
      '{"id":7,"outcome":"toString"}',
      'has outcome "toString"; it is one of reserved, already-reserved, sold-out, unknown-seat, error',
    ],
    ['{"id":7,"outcome":"reserved"}', 'has ticket missing; with reserved it is a string that is not empty'],
    [
      '{"id":7,"outcome":"already-reserved","ticket":""}',
      'has ticket ""; with already-reserved it is a string that is not empty',
    ],
    [
      '{"id":7,"outcome":"reserved","tikcet":"t1"}',
      'has a field "tikcet"; reserved has id, outcome, ticket (did you mean ticket?)',
    ],
    [
      '{"id":7,"outcome":"sold-out","ticket":"t1"}',
      'has a field "ticket"; sold-out has id, outcome (did you mean id?)',
    ],
    ['{"id":7,"outcome":"error"}', 'has text missing; with error it is a string that is not empty'],
  ])('%s', (line, complaint) => {
    expect(parseAnswer(protocol, line, [7])).toEqual({ kind: 'wrong', complaint });
  });

  test('in one line of bounded length', () => {
    const answer = parseAnswer(protocol, 'x'.repeat(10_000), [7]);
    expect(answer.kind === 'wrong' && answer.complaint.length).toBeLessThan(200);
  });
});
