/** Live progress on standard error: one line that is written over. Silent where nobody looks. */
export interface Progress {
  show(text: string): void;
  clear(): void;
}

const CLEAR_LINE = '\r\u001B[2K';

export function createProgress(enabled: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!enabled || !stream.isTTY) return { show: () => {}, clear: () => {} };
  return {
    show: (text) => {
      stream.write(`${CLEAR_LINE}${text.slice(0, Math.max(1, stream.columns - 1))}`);
    },
    clear: () => {
      stream.write(CLEAR_LINE);
    },
  };
}
