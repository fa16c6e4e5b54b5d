/**
 * How wide texts are on a terminal. Enters: texts without control characters; leaves: cells, or lines that fit into so many of
 * them. East Asian wide characters and emoji take two cells, combining characters none.
 */
import stringWidth from 'string-width';

/** Narrower than this no text is read. */
const WRAPPED_CELLS_MIN = 20;
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Cells that a terminal needs for it. */
export function textWidth(text: string): number {
  return stringWidth(text);
}

export function padEndTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStartTo(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

/**
 * The text in lines of at most `width` cells, broken at spaces, and within words where one is longer than a line. Its
 * indentation is that of every line.
 */
export function wrapText(text: string, width: number): string[] {
  const indent = /^ */.exec(text)![0].slice(0, Math.floor(width / 2));
  const lines: string[] = [];
  let rest = text;
  while (textWidth(rest) > width) {
    const end = fittingLength(rest, width, indent.length);
    const space = rest.lastIndexOf(' ', end);
    const at = space > indent.length ? space : end;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** `text` behind `label`, in lines of at most `columns` cells (undefined: one line), all of which begin where the first does. */
export function wrapBehind(label: string, text: string, columns: number | undefined): string[] {
  if (columns === undefined) return [label + text];
  const indent = textWidth(label);
  const lines = wrapText(text, Math.max(columns - indent, WRAPPED_CELLS_MIN));
  return lines.map((line, i) => (i === 0 ? label : ' '.repeat(indent)) + line);
}

/** Length of the longest beginning that fits; one character after the indentation at least. */
function fittingLength(text: string, width: number, indentChars: number): number {
  let cells = 0;
  let end = 0;
  for (const { segment, index } of SEGMENTER.segment(text)) {
    cells += textWidth(segment);
    if (cells > width && index > indentChars) break;
    end = index + segment.length;
  }
  return end;
}
