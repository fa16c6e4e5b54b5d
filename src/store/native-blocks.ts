/**
 * A stream of ClickHouse Native (revision 0) → whole blocks with the number of their rows. Enters: bytes in chunks of any
 * size; leaves: the same bytes, cut where blocks end. It looks at lengths only and never at values; what ends in the middle
 * of a block, or has a type it does not know, is an error. It holds one block at a time.
 */
import { type NativeShape, readNativeShape } from './native-shape.js';

export interface CutBlock {
  rows: number;
  bytes: Uint8Array;
}

const BLOCK_BYTES_MAX = 2 ** 31 - 1;
const BUFFER_BYTES_MIN = 1024 * 1024;

export async function* cutNative(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<CutBlock> {
  const window = new Window(chunks);
  try {
    while (await window.hasMore()) {
      const rows = await passBlock(window);
      yield { rows, bytes: window.takeBlock() };
    }
  } finally {
    await window.close();
  }
}

async function passBlock(window: Window): Promise<number> {
  const columns = await window.varint();
  const rows = await window.varint();
  for (let i = 0; i < columns; i++) {
    await window.passTexts(1);
    const shape = readNativeShape(await window.text());
    if (rows === 0) continue;
    await passPrefix(window, shape);
    await passValues(window, shape, rows);
  }
  return rows;
}

/** A version for each dictionary. */
async function passPrefix(window: Window, shape: NativeShape): Promise<void> {
  if (shape.kind === 'dictionary') await window.pass(8);
  if (shape.kind === 'fixed' || shape.kind === 'text') return;
  for (const inner of shape.inner) await passPrefix(window, inner);
}

async function passValues(window: Window, shape: NativeShape, rows: number): Promise<void> {
  switch (shape.kind) {
    case 'fixed':
      return window.pass(rows * shape.bytes);
    case 'text':
      return window.passTexts(rows);
    case 'nullable':
      await window.pass(rows);
      return passValues(window, shape.inner[0]!, rows);
    case 'list': {
      await window.pass((rows - 1) * 8);
      const total = await window.uint64();
      if (total === 0) return;
      for (const inner of shape.inner) await passValues(window, inner, total);
      return;
    }
    case 'tuple':
      for (const inner of shape.inner) await passValues(window, inner, rows);
      return;
    case 'dictionary': {
      const flags = await window.uint64();
      await passValues(window, shape.inner[0]!, await window.uint64());
      const keys = await window.uint64();
      return window.pass(keys * 2 ** (flags & 3));
    }
  }
}

/** What was read and not yet given away, and a place in it. */
class Window {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private buffer = Buffer.allocUnsafe(BUFFER_BYTES_MIN);
  private at = 0;
  private end = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  async hasMore(): Promise<boolean> {
    return this.at < this.end || (await this.fill());
  }

  /** Everything up to here, which is not held any longer. */
  takeBlock(): Uint8Array {
    const block = Buffer.from(this.buffer.subarray(0, this.at));
    this.buffer.copyWithin(0, this.at, this.end);
    this.end -= this.at;
    this.at = 0;
    return block;
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  async pass(bytes: number): Promise<void> {
    await this.need(bytes);
    this.at += bytes;
  }

  async uint64(): Promise<number> {
    await this.need(8);
    this.at += 8;
    return Number(this.buffer.readBigUInt64LE(this.at - 8));
  }

  async varint(): Promise<number> {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      await this.need(1);
      const byte = this.buffer[this.at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  async text(): Promise<string> {
    const bytes = await this.varint();
    await this.need(bytes);
    this.at += bytes;
    return this.buffer.toString('utf8', this.at - bytes, this.at);
  }

  /** Texts, each with its length in front. They are the one thing that is passed one by one, so without waiting. */
  async passTexts(count: number): Promise<void> {
    for (let left = this.passTextsHere(count); left > 0; left = this.passTextsHere(left)) {
      if (!(await this.fill())) throw new Error('the data ends in the middle of a block');
    }
  }

  private passTextsHere(count: number): number {
    for (let left = count; left > 0; left--) {
      let at = this.at;
      let length = 0;
      for (let factor = 1; ; factor *= 128) {
        if (at >= this.end) return left;
        const byte = this.buffer[at++]!;
        length += (byte & 127) * factor;
        if (byte < 128) break;
      }
      if (at + length > this.end) return left;
      this.at = at + length;
    }
    return 0;
  }

  private async need(bytes: number): Promise<void> {
    while (this.end - this.at < bytes) {
      if (!(await this.fill())) throw new Error('the data ends in the middle of a block');
    }
  }

  private async fill(): Promise<boolean> {
    const { value, done } = await this.chunks.next();
    if (done === true) return false;
    const size = this.end + value.length;
    if (size > BLOCK_BYTES_MAX) throw new Error(`a block is longer than ${BLOCK_BYTES_MAX} bytes`);
    if (size > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(BLOCK_BYTES_MAX, Math.max(size, this.buffer.length * 2)));
      this.buffer.copy(larger, 0, 0, this.end);
      this.buffer = larger;
    }
    this.buffer.set(value, this.end);
    this.end = size;
    return true;
  }
}
