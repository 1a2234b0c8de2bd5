/** What the user asked for can't be done; the message says why and what can be, in one line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
