/**
 * zstd and lz4 bodies of the SQL port, decompressed as the receivers do it. All such bodies at one time share a room of their
 * own, so that none of them takes room from senders.
 */
import { decompress } from './receive/decompress.js';
import { InflightBytes } from './receive/inflight-bytes.js';
import type { DecodeWhole } from './show/sql-body.js';

const ROOM_BYTES = 128 * 1024 * 1024;
const room = new InflightBytes(ROOM_BYTES);

export const decodeSqlBody: DecodeWhole = async (wire, coding, bytesMax) => {
  const share = room.open();
  try {
    return await decompress(wire, coding, bytesMax, share);
  } finally {
    share.release();
  }
};
