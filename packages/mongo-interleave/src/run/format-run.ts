import { clientLetter } from '../gate/client-letter.ts';
import { CLOCK_COLLECTION } from './clock.ts';
import { formatColumns, type Row } from './columns.ts';
import { errorLines } from './error-lines.ts';
import type { HiddenPart, RunResult } from './result.ts';
import type { TraceStep } from './trace-step.ts';

const MAX_ERROR_LINES = 6;

/**
 * Formats a trace as a space-time diagram: time runs down, each client has a column, and each step stands in the column of its client
 * with its number at the left.
 */
export function formatTrace(trace: readonly TraceStep[]): string {
  const clients = [...new Set(trace.map(({ client }) => client))].toSorted((one, other) => one - other);
  const header: Row = { label: '', cells: clients.map((client) => [nameOf(client, trace)]) };
  const rows = trace.map((step, index): Row => ({
    label: String(index + 1).padStart(3),
    cells: clients.map((client) => (client === step.client ? partsOf(step) : waitOf(step, client))),
  }));
  return formatColumns([header, ...rows]).join('\n');
}

/** The client of the clock is named as such. */
function nameOf(client: number, trace: readonly TraceStep[]): string {
  const ticks = trace.some((step) => step.client === client && isTick(step));
  return ticks ? `${clientLetter(client)} (clock)` : clientLetter(client);
}

const isTick = ({ command, collection }: TraceStep): boolean => command === 'update' && collection === CLOCK_COLLECTION;

function partsOf({ command, collection, touched, reply }: TraceStep): string[] {
  const name = collection === '' ? command : `${command} ${collection}`;
  return [name, ...clausesOf(touched), `-> ${reply}`];
}

/** Where a clause begins: an operator or a word at the end of a value. */
const CLAUSE = / (?=\$|(?:sort|replace|remove|upsert)\b)/;

/** The filter and each operator of an update by itself, so that a long line breaks between them. Braces stay whole. */
function clausesOf(touched: string): string[] {
  const clauses: string[] = [];
  let open = '';
  for (const piece of touched.split(CLAUSE)) {
    open = open === '' ? piece : `${open} ${piece}`;
    if (open.split(/[{[]/).length > open.split(/[}\]]/).length) continue;
    clauses.push(open);
    open = '';
  }
  return open === '' ? clauses.filter((clause) => clause !== '') : [...clauses, open];
}

const waitOf = ({ waiting = [] }: TraceStep, client: number): string[] =>
  waiting.filter((one) => one.client === client).map(({ waitsFor }) => `(waits for ${waitsFor})`);

/**
 * Formats a run: the token and the verdict, the error's further lines, the trace in columns, and how each client ended; at last a line that
 * names the options that would show more. What `check` throws is shown as it is, up to {@link MAX_ERROR_LINES} lines.
 */
export function formatRun<T>(result: RunResult<T>): string {
  const [, ...others] = errorTexts(result);
  const head = `${result.token} ${formatVerdict(result)}`;
  const indented = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);
  return [
    head,
    ...indented(others),
    formatTrace(result.trace),
    ...indented(result.endings.filter((text) => text !== '')),
    ...indented(hintsOf(result)),
  ].join('\n');
}

const HIDDEN_PARTS: Readonly<Record<HiddenPart, string>> = {
  fields: 'values of fields (name them in showFields)',
  results: 'results and errors (showResults: true)',
};

const hintsOf = <T>({ hidden = [] }: RunResult<T>): string[] =>
  hidden.length === 0 ? [] : [`not shown: ${hidden.map((part) => HIDDEN_PARTS[part]).join(', ')}`];

/** The verdict as one line, as in `violated: expected 1 but got 2`. */
export function formatVerdict<T>(result: RunResult<T>): string {
  const [first] = errorTexts(result);
  return first === undefined ? result.verdict.kind : `${result.verdict.kind}: ${first}`;
}

/** A step as one line without columns, as in `1 A find coupons { used: false } -> null`. */
export function formatStep(step: TraceStep, index: number): string {
  const waits = (step.waiting ?? []).map(({ client, waitsFor }) => `(${clientLetter(client)} waits for ${waitsFor})`);
  return [`${index + 1} ${clientLetter(step.client)}`, ...partsOf(step), ...waits].join(' ');
}

/** What the verdict's error says. An error of a flow that `check` only passes on is shown as the flow's. */
function errorTexts<T>({ verdict, outcomes, endings }: RunResult<T>): string[] {
  if (verdict.kind === 'valid') return [];
  const { error } = verdict;
  const ending = endings[outcomes.findIndex((outcome) => outcome.kind === 'threw' && outcome.error === error)];
  if (ending !== undefined) return [ending];
  const lines = errorLines(error);
  const shown = lines.slice(0, MAX_ERROR_LINES);
  return lines.length > shown.length ? [...shown, `and ${lines.length - shown.length} more lines`] : shown;
}
