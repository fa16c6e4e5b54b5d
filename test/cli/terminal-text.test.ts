/** Names from senders on a terminal: nothing of them may move the cursor or colour the screen. */
import { describe, expect, it } from 'vitest';
import { neutralizeChunks, neutralizeControls } from '../../src/cli/terminal-text.js';

async function* pieces(bytes: Buffer, length: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

describe('text of senders', () => {
  it.each([
    ['an escape sequence', 'cpu\u001b[2J\u001b[31m', 'cpu·[2J·[31m'],
    ['one of a single character', 'cpu\u009b31m', 'cpu·31m'],
    ['a title of the window', '\u001b]0;owned\u0007', '·]0;owned·'],
    ['a return over what was written', 'bad\rgood', 'bad·good'],
    ['text that turns its direction', 'a\u202eb\u2066c', 'a·b·c'],
  ])('shows dots for %s', (_, sent, shown) => {
    expect(neutralizeControls(sent)).toBe(shown);
  });

  it('keeps line breaks, tabs and the characters of all languages', () => {
    const text = 'größe\t東京\n👩‍🔧 ┌─a─┐\n';
    expect(neutralizeControls(text)).toBe(text);
  });

  it('is the same in chunks that are cut anywhere, within a character too', async () => {
    const bytes = Buffer.from('größe\u009b31m 東京\u001b[0m 👩‍🔧\n');
    for (let length = 1; length < bytes.length; length++) {
      let text = '';
      for await (const part of neutralizeChunks(pieces(bytes, length))) text += part;
      expect(text).toBe('größe·31m 東京·[0m 👩‍🔧\n');
    }
  });
});
