/**
 * A stream that is packed piece by piece: chunks of any size come in, and leave packed in pieces that are large enough to be
 * worth it and small enough to be handled in a moment. The order is kept; one piece is packed at a time.
 */
import { Transform } from 'node:stream';

/** Largest piece, bytes: a client waits for that much of a slow answer, and no more of it is held in memory. */
export const PIECE_BYTES = 256 * 1024;

export function packInPieces(
  pack: (piece: Buffer) => Promise<Buffer>,
  frame: { head?: Buffer; makeTail?: () => Buffer } = {},
): Transform {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;

  async function packWhole(stream: Transform, bytesMin: number): Promise<void> {
    if (waitingBytes < bytesMin) return;
    const bytes = Buffer.concat(waiting, waitingBytes);
    let at = 0;
    for (; bytes.length - at >= bytesMin && at < bytes.length; at += PIECE_BYTES) {
      stream.push(await pack(bytes.subarray(at, at + PIECE_BYTES)));
    }
    const rest = bytes.subarray(at);
    waiting = [rest];
    waitingBytes = rest.length;
  }
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      packWhole(this, PIECE_BYTES).then(() => done(), done);
    },
    flush(done) {
      packWhole(this, 1).then(() => {
        const tail = frame.makeTail?.();
        if (tail?.length) this.push(tail);
        done();
      }, done);
    },
  });
  if (frame.head) stream.push(frame.head);
  return stream;
}
