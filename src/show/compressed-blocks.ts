/**
 * ClickHouse's own compression of a stream (`compress=1`, `decompress=1`): blocks of 16 bytes checksum (CityHash128 of all that
 * follows), method, size of method, sizes and data, size of the data when unpacked, data. What is written is LZ4, which every
 * client reads; LZ4, ZSTD and blocks without compression are read. https://clickhouse.com/docs/native-protocol/compression
 */
import { Transform } from 'node:stream';
import { compress, uncompress } from 'lz4-napi';
import { ClickHouseError } from '../model/clickhouse.js';
import { cityHash128 } from './city-hash-128.js';
import { packInPieces } from './packed-pieces.js';

const CHECKSUM_BYTES = 16;
/** Method and both sizes; part of what the first of the sizes counts, and of what the checksum is made of. */
const HEADER_BYTES = 9;
const METHOD_NONE = 0x02;
const METHOD_LZ4 = 0x82;
const METHOD_ZSTD = 0x90;
/** lz4-napi puts the size of the data in front of what it packed, and wants it there to unpack. */
const PREFIX_BYTES = 4;
/** Largest block that is read, packed and unpacked: clients write blocks of 1 MiB. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;

/** Plain bytes in, blocks out. What comes once `isSpoiled` is an error, whose text can be read without unpacking it. */
export function createBlockPacker(isSpoiled: () => boolean = () => false): Transform {
  return packInPieces((plain) => (isSpoiled() ? writeBlock(plain, listLiterals(plain)) : packBlock(plain)));
}

export async function packBlock(plain: Uint8Array): Promise<Buffer> {
  return writeBlock(plain, (await compress(plain)).subarray(PREFIX_BYTES));
}

/** LZ4 of one sequence that repeats nothing (https://github.com/lz4/lz4, lz4_Block_format.md). */
function listLiterals(plain: Uint8Array): Buffer {
  if (plain.length < 15) return Buffer.concat([Buffer.from([plain.length << 4]), plain]);
  const more = plain.length - 15;
  const lengths = Buffer.alloc(Math.floor(more / 255) + 1, 255);
  lengths[lengths.length - 1] = more % 255;
  return Buffer.concat([Buffer.from([0xf0]), lengths, plain]);
}

async function writeBlock(plain: Uint8Array, packed: Buffer): Promise<Buffer> {
  const block = Buffer.allocUnsafe(CHECKSUM_BYTES + HEADER_BYTES + packed.length);
  block[CHECKSUM_BYTES] = METHOD_LZ4;
  block.writeUInt32LE(HEADER_BYTES + packed.length, CHECKSUM_BYTES + 1);
  block.writeUInt32LE(plain.length, CHECKSUM_BYTES + 5);
  packed.copy(block, CHECKSUM_BYTES + HEADER_BYTES);
  cityHash128(block.subarray(CHECKSUM_BYTES)).copy(block);
  return block;
}

export interface BlockLimits {
  /** Of the whole plain stream; a block that says to be larger ends in `tooLarge`. */
  bytesMax: number;
  tooLarge: (bytesMax: number) => Error;
  /** Unpacks zstd; without it such blocks are refused. */
  decodeWhole?: ((packed: Buffer, coding: 'zstd', bytesMax: number) => Promise<Buffer>) | undefined;
}

/** Blocks in, plain bytes out. */
export function createBlockReader({ bytesMax, tooLarge, decodeWhole }: BlockLimits): Transform {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let needed = CHECKSUM_BYTES + HEADER_BYTES;

  async function readBlocks(stream: Transform): Promise<void> {
    if (waitingBytes < needed) return;
    let bytes = Buffer.concat(waiting, waitingBytes);
    while (bytes.length >= CHECKSUM_BYTES + HEADER_BYTES) {
      const sizes = readSizes(bytes);
      if (sizes.plainBytes > bytesMax) throw tooLarge(bytesMax);
      needed = CHECKSUM_BYTES + sizes.packedBytes;
      if (bytes.length < needed) break;
      stream.push(await unpackBlock(bytes.subarray(0, needed), sizes, decodeWhole));
      bytes = bytes.subarray(needed);
      needed = CHECKSUM_BYTES + HEADER_BYTES;
    }
    waiting = [bytes];
    waitingBytes = bytes.length;
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      readBlocks(this).then(() => done(), done);
    },
    flush(done) {
      done(waitingBytes === 0 ? null : damaged(33, 'CANNOT_READ_ALL_DATA', 'it is cut short'));
    },
  });
}

interface BlockSizes {
  /** With the header, without the checksum. */
  packedBytes: number;
  plainBytes: number;
}

function readSizes(block: Buffer): BlockSizes {
  const packedBytes = block.readUInt32LE(CHECKSUM_BYTES + 1);
  const plainBytes = block.readUInt32LE(CHECKSUM_BYTES + 5);
  if (packedBytes < HEADER_BYTES)
    throw damaged(271, 'CANNOT_DECOMPRESS', 'a block is shorter than its own header');
  if (Math.max(packedBytes, plainBytes) > BLOCK_BYTES_MAX) {
    throw damaged(149, 'TOO_LARGE_SIZE_COMPRESSED', `a block is larger than ${BLOCK_BYTES_MAX} bytes`);
  }
  return { packedBytes, plainBytes };
}

async function unpackBlock(
  block: Buffer,
  { plainBytes }: BlockSizes,
  decodeWhole: BlockLimits['decodeWhole'],
): Promise<Buffer> {
  if (!cityHash128(block.subarray(CHECKSUM_BYTES)).equals(block.subarray(0, CHECKSUM_BYTES))) {
    throw damaged(40, 'CHECKSUM_DOESNT_MATCH', 'the checksum of a block is wrong');
  }
  const packed = block.subarray(CHECKSUM_BYTES + HEADER_BYTES);
  const plain = await unpack(block[CHECKSUM_BYTES]!, packed, plainBytes, decodeWhole).catch(
    (error: Error) => {
      if (error instanceof ClickHouseError) throw error;
      throw damaged(271, 'CANNOT_DECOMPRESS', error.message);
    },
  );
  if (plain.length === plainBytes) return plain;
  throw damaged(271, 'CANNOT_DECOMPRESS', 'a block is not as long as it says');
}

async function unpack(
  method: number,
  packed: Buffer,
  plainBytes: number,
  decodeWhole: BlockLimits['decodeWhole'],
): Promise<Buffer> {
  if (method === METHOD_NONE) return packed;
  if (method === METHOD_ZSTD && decodeWhole) return decodeWhole(packed, 'zstd', plainBytes);
  if (method !== METHOD_LZ4) {
    const name = `0x${method.toString(16).padStart(2, '0')}`;
    const message = `Unknown compression method ${name} of a block; LZ4 (0x82), ZSTD (0x90) and NONE (0x02) are known`;
    throw new ClickHouseError(89, 'UNKNOWN_COMPRESSION_METHOD', message);
  }
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix.writeUInt32LE(plainBytes);
  return uncompress(Buffer.concat([prefix, packed]));
}

function damaged(code: number, type: string, reason: string): ClickHouseError {
  return new ClickHouseError(
    code,
    type,
    `The body is not in ClickHouse's compressed format (decompress=1): ${reason}`,
  );
}
