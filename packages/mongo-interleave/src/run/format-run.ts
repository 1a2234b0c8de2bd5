import { clientLetter } from '../gate/client-letter.ts';
import { formatColumns, type Row } from './columns.ts';
import type { RunResult } from './result.ts';
import type { TraceStep } from './trace-step.ts';

/**
 * Formats a trace as a space-time diagram: time runs down, each client has a column, and each step stands in the column of its client
 * with its number at the left.
 */
export function formatTrace(trace: readonly TraceStep[]): string {
  const clients = [...new Set(trace.map(({ client }) => client))].toSorted((one, other) => one - other);
  const header: Row = { label: '', cells: clients.map((client) => [clientLetter(client)]) };
  const rows = trace.map((step, index): Row => ({
    label: String(index + 1).padStart(3),
    cells: clients.map((client) => (client === step.client ? partsOf(step) : waitOf(step, client))),
  }));
  return formatColumns([header, ...rows]).join('\n');
}

function partsOf({ command, collection, touched, reply }: TraceStep): string[] {
  const name = collection === '' ? command : `${command} ${collection}`;
  return [name, ...(touched === '' ? [] : [touched]), `-> ${reply}`];
}

const waitOf = ({ waiting = [] }: TraceStep, client: number): string[] =>
  waiting.filter((one) => one.client === client).map(({ waitsFor }) => `(waits for ${waitsFor})`);

/** Formats a run: the token and the verdict, the trace in columns, and how each client ended. */
export function formatRun<T>(result: RunResult<T>): string {
  const ends = endsOf(result).map((end) => `    ${end}`);
  return [headOf(result), formatTrace(result.trace), ...ends].join('\n');
}

/** A run as lines without columns, one for each step, for comparing two runs and for quoting a line. */
export function linesOf<T>(result: RunResult<T>): string[] {
  const steps = result.trace.map((step, index) => {
    const waits = (step.waiting ?? []).map(({ client, waitsFor }) => `(${clientLetter(client)} waits for ${waitsFor})`);
    return [`${index + 1} ${clientLetter(step.client)}`, ...partsOf(step), ...waits].join(' ');
  });
  return [headOf(result), ...steps, ...endsOf(result)];
}

const headOf = <T>({ token, verdict }: RunResult<T>): string =>
  verdict.kind === 'valid' ? `${token} valid` : `${token} ${verdict.kind}: ${messageOf(verdict.error)}`;

const endsOf = <T>({ outcomes }: RunResult<T>): string[] =>
  outcomes.flatMap((outcome, client) => {
    if (outcome.kind === 'absent') return [];
    if (outcome.kind === 'hanging') return [`${clientLetter(client)} did not end`];
    const how =
      outcome.kind === 'returned' ? `returned ${JSON.stringify(outcome.value)}` : `threw ${messageOf(outcome.error)}`;
    return [`${clientLetter(client)} ${how}`];
  });

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0] ?? '';
}
