/*
 * Prints how many checks of a result file passed, failed and were skipped, then a line for each that failed. The file is vitest's JSON report, or
 * the `result.json` of a stress run, in which a row counts one.
 */
import { readFileSync } from 'node:fs';

const firstLine = (text = '') => text.split('\n', 1)[0];

function countTests({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }) {
  const failures = testResults.flatMap(({ name, message, assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    const told = tests.map((test) => `${name} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
    return told.length === 0 && message !== '' ? [`${name}: ${firstLine(message)}`] : told;
  });
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests, failures };
}

function countRows({ rows }) {
  const isRight = ({ verdict, trial }) => verdict === (trial.expected ?? verdict);
  const failures = rows
    .filter((row) => !isRight(row))
    .map(({ verdict, trial }) => `${verdict}: ${JSON.stringify(trial)}`);
  return { passed: rows.length - failures.length, failed: failures.length, skipped: 0, failures };
}

const result = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { passed, failed, skipped, failures } = 'rows' in result ? countRows(result) : countTests(result);
process.stdout.write(`${[`${passed} ${failed} ${skipped}`, ...failures].join('\n')}\n`);
