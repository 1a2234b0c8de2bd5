/** Passes a value off as of any type, as a caller without types can: for arguments that must be refused. */
export const untyped = (value: unknown): never => value as never;
