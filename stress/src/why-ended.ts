/** What a row that a signal ended says of it. */
export const whyEnded = ({ reason }: AbortSignal): string =>
  reason instanceof DOMException && reason.name === 'TimeoutError' ? 'did not end in time' : 'interrupted';
