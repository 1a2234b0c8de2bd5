/** Why a signal ended a row early. */
export const whyEnded = ({ reason }: AbortSignal): string =>
  reason instanceof DOMException && reason.name === 'TimeoutError' ? 'did not end in time' : 'interrupted';
