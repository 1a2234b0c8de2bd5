import { join } from 'node:path';
import { nameInvariant, notCovered, traceLines } from './explored.ts';
import { judgeRow, type Row } from './row.ts';

const MAX_SENTENCES = 3;

/**
 * What broke in the rows that came out wrong, or of which nothing was expected, and how to see it again; for a mutant the first sentence that caught it. At
 * the end, what complete explorations do not cover.
 *
 * @param command as in `pnpm stress` @param folder of the result, where the histories are
 */
export function formatFindings(rows: readonly Row[], { invariants, command, folder }: FindingsOptions): string {
  const caught = rows.filter((row) => row.trial.expected === 'violated' && judgeRow(row) === 'passed');
  const shown = rows.filter(
    (row) => judgeRow(row) !== 'passed' || (row.verdict === 'violated' && row.trial.expected === undefined),
  );
  const parts: string[] = [];
  if (caught.length > 0) parts.push('Mutants, caught as they must be:');
  for (const { trial, violations, exploration } of caught) {
    const [first] = violations;
    if (first === undefined) continue;
    const token = exploration?.token === undefined ? '' : `; ${exploration.token}`;
    parts.push(`  ${trial.flow}: ${nameInvariant(invariants, first.invariant)}: ${first.sentence}${token}`);
  }
  for (const row of shown) parts.push('', ...formatRow(row, { invariants, command, folder }));
  const limits = notCovered(rows);
  if (limits.length > 0) parts.push('', ...limits);
  return parts.join('\n');
}

export interface FindingsOptions {
  readonly invariants: Readonly<Record<string, string>>;
  readonly command: string;
  readonly folder: string;
}

function formatRow(row: Row, { invariants, command, folder }: FindingsOptions): string[] {
  const { trial, verdict, violations, reason, reproduce, history } = row;
  const { flow, deployment, scenario, expected } = trial;
  const lines = [
    `${flow} on ${deployment}, ${scenario}: ${verdict}${expected === undefined ? '' : `, and must be ${expected}`}`,
  ];
  if (reason !== undefined) lines.push(`  ${reason}`);
  for (const [invariant, group] of Map.groupBy(violations, (violation) => violation.invariant)) {
    lines.push(`  ${invariant} ${invariants[invariant] ?? ''}: broken`);
    for (const { sentence } of group.slice(0, MAX_SENTENCES)) lines.push(`    ${sentence}`);
    if (group.length > MAX_SENTENCES) lines.push(`    and ${group.length - MAX_SENTENCES} more`);
  }
  lines.push(...traceLines(row), `  again: ${reproduce}`);
  if (history !== undefined) lines.push(`  judge the same history again: ${command} check ${join(folder, history)}`);
  return lines;
}
