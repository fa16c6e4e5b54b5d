/**
 * snappy and lz4 bodies as a test wants them, written by their formats' descriptions: plain ones that only wrap bytes, and
 * bombs. Enters: bytes, or a length; leaves: a body. What real compressors write is in cases/compressed-bodies.json.
 */
const LZ4_BLOCK_BYTES_MAX = 256 * 1024;
const IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex');
/** A frame of independent blocks of up to 256 KiB, without checksums. */
const LZ4_HEAD = Buffer.from('04224d186050fb', 'hex');
const LZ4_END = Buffer.alloc(4);

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** One literal. */
export function snappyBlock(bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return Buffer.from([0]);
  const head = Buffer.alloc(5);
  head[0] = 63 * 4;
  head.writeUInt32LE(bytes.length - 1, 1);
  return Buffer.concat([varint(bytes.length), head, bytes]);
}

export function snappyFrames(bytes: Uint8Array): Buffer {
  const chunks: Buffer[] = [IDENTIFIER];
  for (let at = 0; at < bytes.length; at += 65_536) {
    const content = bytes.subarray(at, at + 65_536);
    const block = snappyBlock(content);
    const head = Buffer.alloc(8);
    head.writeUIntLE(block.length + 4, 1, 3);
    head.writeUInt32LE(mask(crc32c(content)), 4);
    chunks.push(head, block);
  }
  return Buffer.concat(chunks);
}

export function lz4Frame(bytes: Uint8Array): Buffer {
  const blocks: Buffer[] = [LZ4_HEAD];
  for (let at = 0; at < bytes.length; at += LZ4_BLOCK_BYTES_MAX)
    blocks.push(lz4Block(bytes.subarray(at, at + LZ4_BLOCK_BYTES_MAX), true));
  return Buffer.concat([...blocks, LZ4_END]);
}

/** A frame of the blocks given, as they stand. */
export function lz4FrameOf(...blocks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([LZ4_HEAD, ...blocks.map((block) => lz4Block(block, false)), LZ4_END]);
}

function lz4Block(bytes: Uint8Array, isPlain: boolean): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length + (isPlain ? 0x80000000 : 0));
  return Buffer.concat([head, bytes]);
}

/** A block that becomes `length` zeros: one literal, and copies of 64 bytes. */
export function snappyBomb(length: number): Buffer {
  const copies = Math.floor((length - 1) / 64);
  const rest = length - 1 - copies * 64;
  const last = rest > 0 ? Buffer.from([(rest - 1) * 4 + 2, 1, 0]) : Buffer.alloc(0);
  return Buffer.concat([
    varint(length),
    Buffer.from([0, 0]),
    Buffer.alloc(copies * 3, Buffer.from([254, 1, 0])),
    last,
  ]);
}

/** Blocks that become `length` zeros, a multiple of 256 KiB. */
export function lz4Bomb(length: number): Buffer {
  const matchBytes = LZ4_BLOCK_BYTES_MAX - 6;
  const more = matchBytes - 19;
  const lengthBytes = Buffer.concat([Buffer.alloc(Math.floor(more / 255), 255), Buffer.from([more % 255])]);
  const block = Buffer.concat([
    Buffer.from([0x1f, 0, 1, 0]),
    lengthBytes,
    Buffer.from([0x50, 0, 0, 0, 0, 0]),
  ]);
  return lz4FrameOf(...Array.from({ length: length / LZ4_BLOCK_BYTES_MAX }, () => block));
}

/** Bit by bit, as its definition is. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
