/**
 * ExportMetricsServiceRequest in JSON → PointBatch. The request is turned into its protobuf bytes, which then go the one
 * way that all points go: the same rules, the same series, the same rows, whatever the encoding was. Slower than
 * protobuf, as JSON is. Throws PermanentError('malformed') with the path of what is wrong.
 */
import type { DecodeContext, DecodeResult } from './decode-context.js';
import { EXPORT_REQUEST } from './json-messages.js';
import { JsonTape } from './json-tape.js';
import { transcodeJson } from './json-to-protobuf.js';
import { decodeProtobuf } from './protobuf-decoder.js';

export function decodeJson(bytes: Uint8Array, context: DecodeContext): DecodeResult {
  return decodeProtobuf(jsonToProtobuf(bytes), context);
}

/** The protobuf bytes of a request in JSON. */
export function jsonToProtobuf(bytes: Uint8Array): Buffer {
  return transcodeJson(new JsonTape(bytes), EXPORT_REQUEST);
}
