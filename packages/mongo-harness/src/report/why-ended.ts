/** Why a signal ended a row early. */
export const whyEnded = (signal: AbortSignal): string => (isTimeOver(signal) ? 'did not end in time' : 'interrupted');

/** Whether `--max-duration` came first. */
export const isTimeOver = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.name === 'TimeoutError';
