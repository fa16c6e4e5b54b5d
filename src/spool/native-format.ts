/**
 * ClickHouse Native format, revision 0: varint columns, varint rows, then per column name, type, data.
 * Enters: columns whose data already lies in Native's layout; leaves: a list of pieces to write one after the other.
 */
import type { Bytes, Lanes, OptionalDoubles } from '../model/point-batch.js';

/** A column: its header, then its data in one or more pieces. */
export interface NativeColumn {
  name: string;
  type: string;
  data: Uint8Array[];
}

export interface NativeBlock {
  table: string;
  rows: number;
  /** Pieces to be written one after the other. */
  pieces: Uint8Array[];
}

const utf8 = new TextEncoder();

export function encodeBlock(table: string, rows: number, columns: readonly NativeColumn[]): NativeBlock {
  const pieces: Uint8Array[] = [concat(varint(columns.length), varint(rows))];
  for (const column of columns) pieces.push(columnHeader(column.name, column.type), ...column.data);
  return { table, rows, pieces };
}

export function column(name: string, type: string, ...data: Uint8Array[]): NativeColumn {
  return { name, type, data };
}

export function optional(name: string, values: OptionalDoubles): NativeColumn {
  return column(name, 'Nullable(Float64)', values.isNull.bytes(), values.value.bytes());
}

export function array(name: string, elementType: string, ends: Lanes, flat: Lanes): NativeColumn {
  return column(name, `Array(${elementType})`, ends.bytes(), flat.bytes());
}

function columnHeader(name: string, type: string): Uint8Array {
  const key = `${name} ${type}`;
  let header = headers.get(key);
  if (header === undefined) {
    header = concat(nativeText(name), nativeText(type));
    headers.set(key, header);
  }
  return header;
}
/** Headers are the same for every block of a table. */
const headers = new Map<string, Uint8Array>();

/** Append a string as Native has it: length as a varint, then UTF-8. Short ASCII, nearly all there is, takes no copy. */
export function appendNativeText(into: Bytes, text: string): void {
  if (text.length < 0x80 && appendAscii(into, text)) return;
  const bytes = utf8.encode(text);
  into.pushBytes(varint(bytes.length));
  into.pushBytes(bytes);
}

function appendAscii(into: Bytes, text: string): boolean {
  into.reserve(text.length + 1);
  const { data } = into;
  let at = into.length;
  data[at++] = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    data[at++] = code;
  }
  into.length = at;
  return true;
}

function nativeText(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  return concat(varint(bytes.length), bytes);
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
