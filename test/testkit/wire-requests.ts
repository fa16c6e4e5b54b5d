/** Protobuf requests written field by field, for what no encoder would write. */

import { createSeriesTable, decode } from './decode-fixture.js';
import { NOW_UNIX_NANO } from './otlp-message.js';
import { encodeFields, type WireField } from './wire-writer.js';

/** Requests around the fields of one metric or of one gauge's points, and fields of points. */
export const wire = {
  metric: (fields: WireField[]) =>
    encodeFields([{ number: 1, message: [{ number: 2, message: [{ number: 2, message: fields }] }] }]),
  gauge: (points: WireField[][]) =>
    wire.metric([
      { number: 1, bytes: Buffer.from('a') },
      { number: 5, message: points.map((message) => ({ number: 1, message })) },
    ]),
  time: { number: 3, fixed64: NOW_UNIX_NANO },
  int: (value: bigint) => ({ number: 6, fixed64: value }),
  text: (number: number, text: string) => ({ number, bytes: Buffer.from(text) }),
};
export const decodeWire = (bytes: Uint8Array, series = createSeriesTable()) =>
  decode(bytes, 'protobuf', { series });
