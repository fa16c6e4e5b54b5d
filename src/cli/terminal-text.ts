/**
 * Text that may come from senders, as a terminal may show it. Enters: text, or UTF-8 in chunks cut anywhere; leaves: the same
 * with a dot for each character that would move the cursor, colour the screen or turn the order of what is read.
 */

/** Control characters other than line breaks and tabs, and those that change the direction of text. */
const CONTROLS = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

export function neutralizeControls(text: string): string {
  return text.replaceAll(CONTROLS, '·');
}

/** The same for bytes; a character that is cut by the end of a chunk is put together again. */
export async function* neutralizeChunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield neutralizeControls(decoder.decode(chunk, { stream: true }));
  yield neutralizeControls(decoder.decode());
}
