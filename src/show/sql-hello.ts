/**
 * The first question of ClickHouse's Go client on a new connection, and the bytes that answer it. The client reads the
 * answer in the layout of the protocol version it announced, and everything after it in the layout of the revision the
 * answer reports: 0 means plain Native, which is what the engine writes.
 */

/** From here on columns have the marker below; what is older is answered in plain Native, as it does not ask for more. */
const PROTOCOL_VERSION_MIN = 54_454;

/** Columns as in the client's own question, without differences of spacing. */
const HELLO = 'SELECT displayName(), version(), revision(), timezone()';

export function isHello(query: string, protocolVersion: string | undefined): boolean {
  return Number(protocolVersion) >= PROTOCOL_VERSION_MIN && query.trim().replaceAll(/\s+/g, ' ') === HELLO;
}

/** One Native block of one row, with block info and the per-column marker of newer protocol versions. */
export function buildHello(server: { displayName: string; version: string; timezone: string }): Buffer {
  const columns: [name: string, type: string, value: Buffer][] = [
    ['displayName()', 'String', text(server.displayName)],
    ['version()', 'String', text(server.version)],
    ['revision()', 'UInt32', Buffer.alloc(4)],
    ['timezone()', 'String', text(server.timezone)],
  ];
  // Block info: 1 = is_overflows (0), 2 = bucket number (-1), 0 = end.
  const info = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
  const noCustomSerialization = Buffer.from([0]);
  const data = columns.flatMap(([name, type, value]) => [
    text(name),
    text(type),
    noCustomSerialization,
    value,
  ]);
  return Buffer.concat([info, Buffer.from([columns.length, 1]), ...data]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  // The length is a varint; what stands here is far below 128 bytes.
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
