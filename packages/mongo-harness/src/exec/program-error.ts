/** The command that the user gave with `--exec` does not speak the protocol; the message says what it did, for people. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}
