/**
 * A compose file as docker compose reads it: anchors and merges resolved, `${NAME:-default}` and `${NAME:?message}` filled in
 * from an environment. Reads one file; starts nothing.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface ComposeService {
  image?: string;
  build?: { context: string; args?: Record<string, string> };
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  profiles?: string[];
  command?: string[];
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  stop_grace_period?: string;
}

export interface ComposeFile {
  name: string;
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

export interface Variable {
  name: string;
  /** Behind `:-`; undefined where there is none. */
  fallback?: string;
  /** Behind `:?`: it has to be set. */
  message?: string;
}

const VARIABLE = /(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}/g;

export function listVariables(text: string): Variable[] {
  return [...text.matchAll(VARIABLE)].map(([, name, kind, rest]) => ({
    name: name!,
    ...(kind === '-' && { fallback: rest! }),
    ...(kind === '?' && { message: rest! }),
  }));
}

/** Throws the message of a variable that is needed and not set. As compose does, values are filled in after the YAML is read. */
export function readCompose(file: URL, environment: Record<string, string> = {}): ComposeFile {
  const fill = (text: string) =>
    text.replaceAll(VARIABLE, (_, name: string, kind: string, rest: string) => {
      const value = environment[name];
      if (value) return value;
      if (kind === '?') throw new Error(`required variable ${name} is missing a value: ${rest}`);
      return kind === '-' ? rest : '';
    });
  const document = parse(readFileSync(file, 'utf8'), { merge: true });
  return JSON.parse(JSON.stringify(document), (_, value) =>
    typeof value === 'string' ? fill(value) : value,
  ) as ComposeFile;
}

/** NAME=value lines. */
export function readEnvironmentFile(file: URL): Map<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n');
  return new Map(
    lines
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
