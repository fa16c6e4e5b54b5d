/**
 * zstd bodies (RFC 8878, section 3.1) that no compressor would write: frames put together block by block. Enters: what
 * the header is to say, and blocks; leaves: the bytes of a frame.
 */

export interface FrameHeader {
  /** What the frame says its content to be, bytes; it says nothing where undefined. */
  contentSize?: bigint;
  /** Byte that gives the window: 2^(10 + high five bits), plus eighths by the low three. */
  windowByte?: number;
  /** Reserves room for a checksum, which the caller appends. */
  hasChecksum?: boolean;
}

export const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

export function zstdFrame(header: FrameHeader, blocks: readonly Buffer[]): Buffer {
  const { contentSize, windowByte = 0x38, hasChecksum = false } = header;
  const head = Buffer.alloc(6);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = (contentSize === undefined ? 0 : 0xc0) | (hasChecksum ? 4 : 0);
  head[5] = windowByte;
  const size = Buffer.alloc(contentSize === undefined ? 0 : 8);
  if (contentSize !== undefined) size.writeBigUInt64LE(contentSize);
  return Buffer.concat([head, size, ...blocks]);
}

/** One byte, repeated: four bytes on the wire for up to 128 KiB. */
export function rleBlock(byte: number, times: number, isLast: boolean): Buffer {
  return Buffer.concat([blockHeader(times, 1, isLast), Buffer.from([byte])]);
}

export function rawBlock(content: Uint8Array, isLast: boolean): Buffer {
  return Buffer.concat([blockHeader(content.length, 0, isLast), content]);
}

/** A frame of blocks that each repeat a zero, 128 KiB of content for four bytes. */
export function zstdBomb(contentBytes: number, header: FrameHeader = {}): Buffer {
  const count = Math.ceil(contentBytes / ZSTD_BLOCK_BYTES_MAX);
  const blocks = Array.from({ length: count }, (_, i) => rleBlock(0, ZSTD_BLOCK_BYTES_MAX, i === count - 1));
  return zstdFrame(header, blocks);
}

/** Bytes that decoders step over. */
export function skippableFrame(content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a53, 0);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

function blockHeader(size: number, type: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE(size * 8 + type * 2 + Number(isLast), 0, 3);
  return header;
}
