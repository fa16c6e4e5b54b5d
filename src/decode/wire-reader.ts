/**
 * Protobuf wire primitives over one byte array: varints, tags, lengths, skipping. Leaves numbers and positions.
 * Every read is checked against the end of the message it is in; what does not fit is malformed, never guessed.
 */
import { PermanentError } from '../model/errors.js';

/** Tags and lengths are 32-bit varints: longer forms of them are refused, as protoc's parsers do. */
const VARINT32_BYTES_MAX = 5;
/** Groups inside groups that an unknown field may have before it counts as hostile. */
const GROUP_DEPTH_MAX = 64;
/** Fields that it may hold: it is passed over in one go. */
const GROUP_FIELDS_MAX = 1_000_000;

export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  pos = 0;
  /** Result of `readVarint64`: low and high word. */
  lo = 0;
  hi = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A varint of up to 10 bytes into `lo` and `hi`. */
  readVarint64(end: number): void {
    const { bytes } = this;
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw malformed('a varint runs past the end of its message', this.pos);
      const byte = bytes[this.pos++]!;
      const part = byte & 0x7f;
      if (shift < 28) lo |= part << shift;
      else if (shift === 28) {
        lo |= part << 28;
        hi |= part >>> 4;
      } else if (shift < 63) hi |= part << (shift - 32);
      else {
        if (byte > 1) throw malformed('a varint is longer than 64 bits', this.pos);
        hi |= part << 31;
      }
      if (byte < 0x80) {
        this.lo = lo >>> 0;
        this.hi = hi >>> 0;
        return;
      }
    }
    throw malformed('a varint is longer than 10 bytes', this.pos);
  }

  /** Tag of the next field: field number × 8 + wire type. */
  readTag(end: number): number {
    const first = this.bytes[this.pos]!;
    if (first < 0x80 && first >= 8) {
      this.pos++;
      return first;
    }
    const from = this.pos;
    this.readVarint64(end);
    if (this.hi !== 0 || this.lo < 8 || this.pos - from > VARINT32_BYTES_MAX) {
      throw malformed('a field number is out of range', this.pos);
    }
    return this.lo;
  }

  /** Length of a length-delimited field; `pos` is then its first byte and pos + length is inside the message. */
  readLength(end: number): number {
    const first = this.bytes[this.pos]!;
    if (this.pos < end && first < 0x80) {
      this.pos++;
      this.lo = first;
    } else {
      const from = this.pos;
      this.readVarint64(end);
      if (this.hi !== 0 || this.pos - from > VARINT32_BYTES_MAX) {
        throw malformed('a field is longer than its message', this.pos);
      }
    }
    if (this.lo > end - this.pos) throw malformed('a field is longer than its message', this.pos);
    return this.lo;
  }

  /** Move past a length-delimited value. */
  skipLength(end: number): void {
    const length = this.readLength(end);
    this.pos += length;
  }

  /** Position of a fixed 64-bit field, moved past it. */
  takeFixed64(end: number): number {
    const at = this.pos;
    if (end - at < 8) throw malformed('a 64-bit field is cut short', at);
    this.pos = at + 8;
    return at;
  }

  /** Move past the value of a field whose tag was just read. */
  skip(tag: number, end: number): void {
    /** Numbers of the groups that are open. */
    let groups: number[] | undefined;
    for (let fields = 0; ; fields++) {
      switch (tag & 7) {
        case 0:
          this.readVarint64(end);
          break;
        case 1:
          this.takeFixed64(end);
          break;
        case 2:
          this.skipLength(end);
          break;
        case 5:
          if (end - this.pos < 4) throw malformed('a 32-bit field is cut short', this.pos);
          this.pos += 4;
          break;
        case 3:
          groups ??= [];
          groups.push(tag >>> 3);
          if (groups.length > GROUP_DEPTH_MAX) throw malformed('groups are nested too deep', this.pos);
          break;
        case 4:
          if (groups?.pop() !== tag >>> 3) throw malformed('a group ends that never began', this.pos);
          break;
        default:
          throw malformed(`wire type ${tag & 7} does not exist`, this.pos);
      }
      if (groups === undefined || groups.length === 0) return;
      if (this.pos >= end) throw malformed('a group never ends', this.pos);
      if (fields > GROUP_FIELDS_MAX) throw malformed('a group holds too many fields', this.pos);
      tag = this.readTag(end);
    }
  }
}

export function malformed(what: string, pos: number): PermanentError {
  return new PermanentError(
    'malformed',
    `request is not a valid protobuf message: ${what} (near byte ${pos})`,
  );
}
