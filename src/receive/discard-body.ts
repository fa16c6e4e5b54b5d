/**
 * The rest of a request that is refused before its body was read. Most clients write the whole body before they read the
 * answer; if the connection is closed while they write, they see a broken pipe instead of the answer and send the same
 * body again. So the rest is read and thrown away first. Enters: the request; leaves: nothing, when the body is complete,
 * the sender is gone, or a bound is reached. Nothing of the body is kept in memory.
 */
import type { IncomingMessage } from 'node:http';
import { ArrivalTimer } from './arrival-timer.js';
import type { BodyLimits } from './read-body.js';

/** So many times the largest request is read of one that is refused. */
const REQUESTS_DISCARDED_MAX = 4;

/**
 * Reads what is left of the body, at most four times PLUMBLINE_REQUEST_BYTES_MAX, within the time that a request may take
 * to arrive. Does nothing where the announced length is larger. Never throws.
 */
export function discardBody(request: IncomingMessage, limits: BodyLimits): Promise<void> {
  const bytesMax = REQUESTS_DISCARDED_MAX * limits.requestBytesMax;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (request.readableEnded || request.destroyed || announced > bytesMax) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = new ArrivalTimer(limits, finish);
    function count(chunk: Buffer): void {
      bytes += chunk.length;
      if (bytes > bytesMax) finish();
      else timer.touch();
    }
    function finish(): void {
      timer.stop();
      request.off('data', count);
      resolve();
    }
    request.on('data', count);
    request.once('end', finish);
    request.once('error', finish);
    request.once('close', finish);
    request.resume();
  });
}
