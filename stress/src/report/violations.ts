import { promiseTexts } from '../checker/violation.ts';
import { traceLines } from './explored.ts';
import { judge, type RunResult } from './run-result.ts';

const SENTENCES_MAX = 3;

/** What broke in the rows that came out wrong, and how to see it again; for a known-bad flow the first sentence that caught it. */
export function formatFindings(results: readonly RunResult[]): string {
  const caught = results.filter((result) => result.expected === 'violated' && judge(result) === 'passed');
  const wrong = results.filter((result) => judge(result) !== 'passed');
  const parts: string[] = [];
  if (caught.length > 0) {
    parts.push('Caught, as they must be:');
    for (const { subject, violations, exploration } of caught) {
      const [first] = violations;
      if (first !== undefined)
        parts.push(
          `  ${subject}: ${first.promise} (${promiseTexts[first.promise]}): ${first.sentence}${exploration === undefined ? '' : `; ${exploration.token}`}`,
        );
    }
  }
  for (const result of wrong) parts.push('', ...formatWrong(result));
  return parts.join('\n');
}

function formatWrong(result: RunResult): string[] {
  const { scenario, subject, adapter, expected, verdict, violations, reason, reproduce } = result;
  const lines = [
    `${subject} on ${adapter}, ${scenario}: ${verdict}${expected === undefined ? '' : `, and must be ${expected}`}`,
  ];
  if (reason !== undefined) lines.push(`  ${reason}`);
  for (const [promise, group] of Map.groupBy(violations, (violation) => violation.promise)) {
    lines.push(`  ${promise} ${promiseTexts[promise]}: broken`);
    for (const { sentence } of group.slice(0, SENTENCES_MAX)) lines.push(`    ${sentence}`);
    if (group.length > SENTENCES_MAX) lines.push(`    and ${group.length - SENTENCES_MAX} more`);
  }
  lines.push(...traceLines(result), `  again: ${reproduce}`);
  return lines;
}
