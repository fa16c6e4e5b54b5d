/** Fenced code of the pages, as it stands. Enters: a page's path from the root of the project; leaves: its fences. */
import { readFileSync } from 'node:fs';

export interface Fence {
  /** The heading above it, or the bold words that open a paragraph: "Python". */
  section: string;
  /** "python" */
  language: string;
  code: string;
}

export function readFences(page: string): Fence[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const fences: Fence[] = [];
  let section = '';
  let open: Fence | undefined;
  for (const line of text.split('\n')) {
    if (open !== undefined) {
      if (line === '```') open = undefined;
      else open.code += `${line}\n`;
      continue;
    }
    const [, heading, bold] = /^#+ (.+)$|^\*\*([^*]+)\*\*/.exec(line) ?? [];
    section = heading ?? bold ?? section;
    const [, language] = /^```(\w+)$/.exec(line) ?? [];
    if (language !== undefined) {
      open = { section, language, code: '' };
      fences.push(open);
    }
  }
  return fences;
}

/** The one fence of a section and language. Throws where there is none, or more than one. */
export function readFence(page: string, section: string, language: string): string {
  const found = readFences(page).filter((fence) => fence.section === section && fence.language === language);
  if (found.length !== 1)
    throw new Error(`${page} has ${found.length} fences of ${language} under ${section}, not one`);
  return found[0]!.code;
}
