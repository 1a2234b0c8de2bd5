/** Holds a flow at a place that the test chose, until the test lets it go on. Once open it stays open. */
export interface Gate {
  /** Resolves when somebody stands at the gate. */
  readonly reached: Promise<void>;
  /** Called by who is to be held. */
  readonly pass: () => Promise<void>;
  readonly open: () => void;
}

export function createGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    pass: async () => {
      reached.resolve();
      await opened.promise;
    },
    open: () => {
      opened.resolve();
    },
  };
}
