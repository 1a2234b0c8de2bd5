import { expectList, expectOptions, type Names } from '../check-option.ts';
import { formatVerdict } from '../run/format-run.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { expectFaultKinds, FAULTS_OF_ANY_SET, type FaultKind } from '../schedule/token.ts';
import { outlineScheduler } from './outline-scheduler.ts';

export interface GridOptions {
  /** Default: all kinds but the step-downs, which need a set with several members. The server needs `enableTestCommands` for the kind `error`. */
  readonly kinds?: readonly FaultKind[];
}

const OPTIONS: Names<GridOptions> = { kinds: true };

/** One run of the grid: one fault at one command of client A. */
export interface GridCell<T> {
  /** Number of A's command, from 0. */
  readonly command: number;
  readonly name: string;
  readonly collection: string;
  readonly fault: FaultKind;
  /** Client B runs from start to end right after the fault, before A continues or restarts. */
  readonly hasRival: boolean;
  readonly result: RunResult<T>;
}

/**
 * Injects each fault at each command of client A, without and with a rival. Takes far fewer runs than `explore` with faults, which tries
 * all interleavings.
 *
 * @throws InterleaveError `invalid-option`, and the errors of the runs
 */
export async function runGrid<T>(
  options: GridOptions,
  clients: number,
  runner: Runner<T>,
): Promise<readonly GridCell<T>[]> {
  expectOptions('grid', options, OPTIONS);
  const { kinds = FAULTS_OF_ANY_SET } = options;
  expectList({ kinds }, 'grid');
  expectFaultKinds(kinds);
  runner.expectPossible(kinds);
  const alone = await runner.execute(outlineScheduler({ clients: [0], switches: [], faults: [] }));
  const cells: GridCell<T>[] = [];
  for (const [command, { command: name, collection }] of alone.trace.entries()) {
    for (const fault of kinds) {
      for (const hasRival of clients > 1 ? [false, true] : [false]) {
        const scheduler = outlineScheduler({
          clients: hasRival ? [0, 1] : [0],
          switches: hasRival ? [{ client: 0, after: command + 1, to: 1 }] : [],
          faults: [{ client: 0, after: command, kind: fault }],
        });
        const execution = await runner.execute(scheduler);
        // Few faults fit the insert of an upsert.
        if (!execution.steps.some(({ choice }) => choice.fault === fault)) continue;
        cells.push({ command, name, collection, fault, hasRival, result: await runner.judge(execution) });
      }
    }
  }
  return cells;
}

/**
 * Formats a grid: a line for each command, a column for each fault. `.` is a valid run, `x` a violated one, `?` a run that could not be
 * judged. Below the table stands what each of them says, with their tokens.
 */
export function formatGrid<T>(cells: readonly GridCell<T>[]): string {
  const columns = distinct(cells.map(columnOf));
  const commands = distinct(cells.map(({ command }) => command));
  const rows = commands.map((command) => {
    const own = cells.filter((cell) => cell.command === command);
    const [first] = own;
    const title = `${command + 1} ${first?.name ?? ''} ${first?.collection ?? ''}`.trimEnd();
    return [title, ...columns.map((column) => markOf(own.find((cell) => columnOf(cell) === column)))];
  });
  const table = [['', ...columns], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const bad = cells.filter(({ result }) => result.verdict.kind !== 'valid');
  const failures = [...Map.groupBy(bad, ({ result }) => formatVerdict(result))];
  return [...lines, ...failures.flatMap(([verdict, some]) => [verdict, ...some.map(formatCell)])].join('\n');
}

const formatCell = <T>(cell: GridCell<T>): string =>
  `  ${cell.result.token}  ${columnOf(cell)} at ${cell.command + 1} ${cell.name}`;

const columnOf = <T>({ fault, hasRival }: GridCell<T>): string => `${fault}${hasRival ? ', rival' : ''}`;

const markOf = <T>(cell: GridCell<T> | undefined): string =>
  cell === undefined ? '' : MARKS[cell.result.verdict.kind];

const MARKS = { valid: '.', violated: 'x', unknown: '?' } as const;

const distinct = <E>(all: readonly E[]): E[] => [...new Set(all)];
