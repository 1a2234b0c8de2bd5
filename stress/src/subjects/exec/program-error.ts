/** The command that the user gave is no program of this protocol; the message says what it did, for people. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}
