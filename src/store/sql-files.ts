/** Where the .sql files are, beside src/ and dist/ alike, and their text. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function sqlDirectory(kind: 'migrations' | 'queries'): string {
  return fileURLToPath(new URL(`../../clickhouse/${kind}`, import.meta.url));
}

const texts = new Map<string, string>();

/** Text of clickhouse/queries/NAME.sql. */
export function readQuery(name: string): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = readFileSync(`${sqlDirectory('queries')}/${name}.sql`, 'utf8');
    texts.set(name, text);
  }
  return text;
}
