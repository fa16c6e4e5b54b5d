/**
 * Protobuf wire bytes from a list of fields, exactly as listed: any order, any wire type, padded varints, groups. For
 * requests that no protobuf library would write. Knows nothing of any schema.
 */

export type WireField = {
  number: number /** Bytes of the tag, where more than needed. */;
  tagBytes?: number;
} & (
  | { varint: bigint; varintBytes?: number }
  | { fixed64: bigint }
  | { fixed32: number }
  | { bytes: Uint8Array; lengthBytes?: number }
  | { message: WireField[]; lengthBytes?: number }
  | { group: WireField[] }
);

export function encodeFields(fields: readonly WireField[]): Buffer {
  return Buffer.concat(fields.flatMap(encodeField));
}

function encodeField(field: WireField): Uint8Array[] {
  const tag = (wireType: number) => encodeVarint(BigInt(field.number * 8 + wireType), field.tagBytes);
  if ('varint' in field) return [tag(0), encodeVarint(field.varint, field.varintBytes)];
  if ('fixed64' in field) return [tag(1), encodeFixed64(field.fixed64)];
  if ('fixed32' in field) return [tag(5), encodeFixed32(field.fixed32)];
  if ('group' in field) return [tag(3), encodeFields(field.group), tag(4)];
  const bytes = 'bytes' in field ? field.bytes : encodeFields(field.message);
  return [tag(2), encodeVarint(BigInt(bytes.length), field.lengthBytes), bytes];
}

/** Low seven bits first; `bytesMin` pads with continuation bytes that carry nothing. */
export function encodeVarint(value: bigint, bytesMin = 1): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n || bytes.length < bytesMin - 1) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export function encodeFixed64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function encodeFixed32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The 64 bits of a double. */
export function doubleBits(value: number): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.readBigUInt64LE();
}
