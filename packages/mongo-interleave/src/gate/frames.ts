import { InterleaveError } from '../interleave-error.ts';

/** Largest message that MongoDB allows (`maxMessageSizeBytes`). */
const MAX_FRAME_BYTES = 48_000_000;
const HEADER_BYTES = 16;
const TLS_HANDSHAKE = 0x16;

/**
 * Splits a byte stream into wire messages and passes each whole message to `onFrame`, in order.
 *
 * @returns a function for the bytes of the stream. It throws InterleaveError `unsupported-protocol` for TLS and for invalid lengths
 */
export function frameSplitter(onFrame: (frame: Buffer) => void): (data: Buffer) => void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return (data) => {
    chunks.push(data);
    bytes += data.length;
    while (bytes >= 4) {
      const length = frameLength(join(chunks, 4));
      if (bytes < length) return;
      const all = join(chunks, bytes);
      bytes -= length;
      chunks.splice(0, chunks.length, all.subarray(length));
      onFrame(all.subarray(0, length));
    }
  };
}

/** The first chunk, joined with the others if it has fewer than `byteCount` bytes. So a large message is copied once, not per packet. */
function join(chunks: Buffer[], byteCount: number): Buffer {
  const [first] = chunks;
  if (first !== undefined && first.length >= byteCount) return first;
  const all = Buffer.concat(chunks);
  chunks.splice(0, chunks.length, all);
  return all;
}

function frameLength(start: Buffer): number {
  if (start[0] === TLS_HANDSHAKE && start[1] === 3) {
    throw new InterleaveError(
      'unsupported-protocol',
      'It opened a TLS connection, but the gate reads plain messages only. Connect without TLS (tls=false).',
    );
  }
  const length = start.readInt32LE(0);
  if (length < HEADER_BYTES || length > MAX_FRAME_BYTES) {
    throw new InterleaveError('unsupported-protocol', `A message of ${length} bytes is not MongoDB's wire protocol.`);
  }
  return length;
}
