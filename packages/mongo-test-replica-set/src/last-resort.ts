/**
 * Removes something that must not outlive this process when the process ends without `stop()`: by an exit, Ctrl-C or
 * SIGTERM. Synchronous, because an exit handler can't wait for a promise.
 */
interface CleanUp {
  readonly clean: () => void;
  readonly onInterrupt: boolean;
}

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanUps = new Set<CleanUp>();
let listening = false;
let listeningToInterrupts = false;

/**
 * Runs `clean` when the process exits and, with `onInterrupt`, on SIGINT, SIGTERM and SIGHUP. This process has
 * listeners for them only while a clean-up is registered.
 *
 * @returns a function that cancels the registration
 */
export function onProcessEnd(clean: () => void, onInterrupt: boolean): () => void {
  const cleanUp = { clean, onInterrupt };
  cleanUps.add(cleanUp);
  updateListeners();
  return () => {
    cleanUps.delete(cleanUp);
    updateListeners();
  };
}

function updateListeners(): void {
  const needed = cleanUps.size > 0;
  if (needed !== listening) {
    listening = needed;
    if (needed) process.on('exit', handleExit);
    else process.off('exit', handleExit);
  }
  const interruptsNeeded = [...cleanUps].some((cleanUp) => cleanUp.onInterrupt);
  if (interruptsNeeded !== listeningToInterrupts) {
    listeningToInterrupts = interruptsNeeded;
    for (const signal of INTERRUPTS) {
      // Called first, and removed before the next listener runs: a library that raises the signal again does so only
      // if its own listener is the last.
      if (interruptsNeeded) process.prependListener(signal, handleInterrupt);
      else process.off(signal, handleInterrupt);
    }
  }
}

function handleExit(): void {
  runAll([...cleanUps]);
}

function handleInterrupt(signal: NodeJS.Signals): void {
  runAll([...cleanUps].filter((cleanUp) => cleanUp.onInterrupt));
  updateListeners();
  // Without another listener the process must die of the signal, as a shell expects it.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** Runs the latest registration first: a tool is killed before the folder that it writes to is removed. */
function runAll(due: readonly CleanUp[]): void {
  for (const cleanUp of due.toReversed()) {
    cleanUps.delete(cleanUp);
    try {
      cleanUp.clean();
    } catch {
      // The process is ending. The next start removes what is left.
    }
  }
}
