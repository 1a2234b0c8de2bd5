/*
 * Errors of the driver are known by their fields, never by their class: a service often has several copies of the driver (mongoose
 * brings a copy of its own), and the class of one copy says nothing about the errors of another copy.
 */

import { PrimaryChanged } from './new-primary.ts';

/** What a server said when it refused a command. */
export interface ServerAnswer {
  readonly code: number;
  /** As in `WriteConflict`. Errors that the driver puts together out of several have none. */
  readonly codeName: string | undefined;
  /** May quote values of documents, apiKeys among them. */
  readonly message: string;
}

interface DriverErrorFields {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly codeName?: unknown;
  readonly errorLabels?: unknown;
  readonly hasErrorLabel?: unknown;
  readonly writeErrors?: unknown;
  readonly errorResponse?: unknown;
}

const fieldsOf = (error: unknown): DriverErrorFields => {
  const fields: DriverErrorFields = typeof error === 'object' && error !== null ? error : {};
  // A bulk write hides the error that ended it: its own class says nothing. The answer of a server, which it may hold as well, has no name.
  const { errorResponse } = fields;
  return isNamed(errorResponse) ? errorResponse : fields;
};

const isNamed = (value: unknown): value is DriverErrorFields =>
  typeof value === 'object' && value !== null && 'name' in value && String(value.name).startsWith('Mongo');

/** Does the error carry this label, which the server or the driver gave it? */
export function hasLabel(error: unknown, label: string): boolean {
  const { hasErrorLabel, errorLabels } = fieldsOf(error);
  if (typeof hasErrorLabel === 'function') return hasErrorLabel.call(fieldsOf(error), label) === true;
  return Array.isArray(errorLabels) && errorLabels.includes(label);
}

/** Names of errors by which the driver says that it got no answer of a server. */
const CONNECTION_ERROR = /^Mongo(Network|ServerSelection|PoolClear|WaitQueue|UnexpectedServerResponse)/;

const isConnectionError = (error: unknown): boolean => CONNECTION_ERROR.test(String(fieldsOf(error).name));

/** With `promoteValues: false` the numbers of an answer are BSON's classes. */
function numberOf(value: unknown): number | undefined {
  if (value === undefined || value === null || typeof value === 'string') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** @returns undefined if the error is not a server's answer. */
export function serverAnswerOf(error: unknown): ServerAnswer | undefined {
  const { name, message, codeName, ...fields } = fieldsOf(error);
  const code = numberOf(fields.code);
  if (code === undefined || !String(name).startsWith('Mongo') || isConnectionError(error)) return undefined;
  return {
    code,
    codeName: typeof codeName === 'string' && codeName !== '' ? codeName : CODE_NAMES[code],
    message: typeof message === 'string' ? message : '',
  };
}

export const DUPLICATE_KEY = 11_000;

const DOCUMENT_VALIDATION_FAILURE = 121;

/** True if a unique index or a validator does not allow the document that a write would have made. */
export const isRefused = (error: unknown): boolean =>
  [DUPLICATE_KEY, DOCUMENT_VALIDATION_FAILURE].includes(serverAnswerOf(error)?.code ?? 0);

/** A write that the server refused, within a command of several. */
export interface WriteError {
  readonly code?: unknown;
  /** Of the write within its command. */
  readonly index?: unknown;
  /** May quote values of documents, apiKeys among them. */
  readonly errmsg?: unknown;
}

/** @returns an empty object if the error is not about a write */
export function firstWriteErrorOf(error: unknown): WriteError {
  const { writeErrors } = fieldsOf(error);
  const [first]: readonly unknown[] = Array.isArray(writeErrors) ? writeErrors : [];
  return (first as WriteError | undefined) ?? {};
}

/** The names of codes that answers of bulk writes lack. From the server's `error_codes.yml`. */
const CODE_NAMES: Readonly<Record<number, string>> = {
  13: 'Unauthorized',
  26: 'NamespaceNotFound',
  112: 'WriteConflict',
  121: 'DocumentValidationFailure',
  251: 'NoSuchTransaction',
  257: 'TransactionTooLarge',
  263: 'OperationNotSupportedInTransaction',
  10_334: 'BSONObjectTooLarge',
  [DUPLICATE_KEY]: 'DuplicateKey',
  17_280: 'KeyTooLong',
};

/**
 * `NotYetInitialized`, `PrimarySteppedDown`, `NotWritablePrimary`, `ShutdownInProgress`, `InterruptedAtShutdown`,
 * `InterruptedDueToReplStateChange`, `NotPrimaryNoSecondaryOk`, `NotPrimaryOrSecondary`: the member can't write just now.
 */
const NO_PRIMARY_CODES: ReadonlySet<number> = new Set([94, 189, 10_107, 91, 11_600, 11_602, 13_435, 13_436]);

/** True if no primary could be asked: no server was reached, or the server that was reached is no primary. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof PrimaryChanged) return true;
  const answer = serverAnswerOf(error);
  return answer === undefined ? isConnectionError(error) : NO_PRIMARY_CODES.has(answer.code);
}

/**
 * A copy of an error of the driver with its name, message and stack, to be kept as a cause. The error itself is not kept: its
 * other fields, and those of its own causes, may hold documents.
 */
export function copyWithoutFields(error: unknown): Error {
  const { name, message } = fieldsOf(error);
  const copy = new Error(typeof message === 'string' ? message : String(error));
  copy.name = typeof name === 'string' ? name : typeof error;
  if (error instanceof Error && error.stack !== undefined) copy.stack = error.stack;
  return copy;
}
