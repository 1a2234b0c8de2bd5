/** Live progress on standard error: one line that is written over. Silent where nobody looks. */
export interface Progress {
  show(text: string): void;
  clear(): void;
}

/** Where the terminal doesn't say. */
const WIDTH_DEFAULT = 80;
const CLEAR_LINE = '\r\u001B[2K';

export function createProgress(enabled: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!enabled || !stream.isTTY) return { show: () => {}, clear: () => {} };
  return {
    show: (text) => {
      stream.write(`${CLEAR_LINE}${text.slice(0, (stream.columns || WIDTH_DEFAULT) - 1)}`);
    },
    clear: () => {
      stream.write(CLEAR_LINE);
    },
  };
}
