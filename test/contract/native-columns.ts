/**
 * Native blocks (revision 0) for tests, written the plain way, one column after the other. Values in, bytes out;
 * the encoder of the store is tested elsewhere and is not used here.
 */
export interface NativeColumn {
  name: string;
  type: string;
  data: Buffer;
}

export function buildBlock(rows: number, columns: readonly NativeColumn[]): Buffer {
  const parts = columns.flatMap(({ name, type, data }) => [text(name), text(type), data]);
  return Buffer.concat([varint(columns.length), varint(rows), ...parts]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([varint(bytes.length), bytes]);
}

export const uint8 = (values: readonly number[]) => Buffer.from(values);
export const uint64 = (values: readonly bigint[]) => Buffer.from(new BigUint64Array(values).buffer);
export const int64 = (values: readonly bigint[]) => Buffer.from(new BigInt64Array(values).buffer);
export const float64 = (values: readonly number[]) => Buffer.from(new Float64Array(values).buffer);
export const strings = (values: readonly string[]) => Buffer.concat(values.map(text));
export const fixed = (values: readonly Buffer[]) => Buffer.concat(values);

export function nullable(isNull: readonly boolean[], data: Buffer): Buffer {
  return Buffer.concat([uint8(isNull.map(Number)), data]);
}

/** Array and Map columns: where each row ends, then the flat data. */
export function arrays(lengths: readonly number[], ...data: Buffer[]): Buffer {
  let end = 0n;
  const ends = lengths.map((length) => {
    end += BigInt(length);
    return end;
  });
  return Buffer.concat([uint64(ends), ...data]);
}
