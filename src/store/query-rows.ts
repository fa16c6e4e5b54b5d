/** The bytes of a whole answer in JSONEachRow → its rows. The same for both drivers. */

export function parseRows<Row>(bytes: Uint8Array): Row[] {
  const lines = new TextDecoder().decode(bytes).trimEnd();
  return lines === '' ? [] : (JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as Row[]);
}
