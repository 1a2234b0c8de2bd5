/**
 * What must not survive this process, for the ends nobody planned: an exit without `stop()`, Ctrl-C, SIGTERM.
 * Everything here is synchronous, because nothing else runs in an exit handler.
 */
interface Cleaning {
  readonly clean: () => void;
  readonly onInterrupt: boolean;
}

const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanings = new Set<Cleaning>();
let listening = false;
let listeningToInterrupts = false;

/**
 * Runs `clean` when the process exits and, with `onInterrupt`, when an interrupt arrives.
 * Listeners exist only while something is registered. Returns the function that takes the registration back.
 */
export function onProcessEnd(clean: () => void, onInterrupt: boolean): () => void {
  const cleaning = { clean, onInterrupt };
  cleanings.add(cleaning);
  updateListeners();
  return () => {
    cleanings.delete(cleaning);
    updateListeners();
  };
}

function updateListeners(): void {
  const wanted = cleanings.size > 0;
  if (wanted !== listening) {
    listening = wanted;
    if (wanted) process.on('exit', handleExit);
    else process.off('exit', handleExit);
  }
  const interruptsWanted = [...cleanings].some((cleaning) => cleaning.onInterrupt);
  if (interruptsWanted !== listeningToInterrupts) {
    listeningToInterrupts = interruptsWanted;
    for (const signal of interrupts) {
      // First in line, and gone before the next listener looks: libraries that raise the signal again do so only
      // when they are the last ones listening.
      if (interruptsWanted) process.prependListener(signal, handleInterrupt);
      else process.off(signal, handleInterrupt);
    }
  }
}

function handleExit(): void {
  runAll([...cleanings]);
}

function handleInterrupt(signal: NodeJS.Signals): void {
  runAll([...cleanings].filter((cleaning) => cleaning.onInterrupt));
  updateListeners();
  // With nobody else listening the signal takes its normal course, so that the shell sees a death by signal.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** The last one registered first: a tool is ended before the folder it writes to is removed. */
function runAll(due: readonly Cleaning[]): void {
  for (const cleaning of due.toReversed()) {
    cleanings.delete(cleaning);
    try {
      cleaning.clean();
    } catch {
      // The process is ending; the next start sweeps what could not be removed now.
    }
  }
}
