/**
 * A YAML file whose values know their lines. Enters: text; leaves: plain values, and the line of any path in them.
 * Never judges what the values mean.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';

export type YamlPath = readonly (string | number)[];

/** Something wrong at a line (from 1). */
export interface Problem {
  line: number;
  reason: string;
}

export interface YamlSource {
  /** Undefined where the text is not YAML; `syntaxProblems` then says why. */
  value: unknown;
  syntaxProblems: Problem[];
  /** Line of the value at `path`, or of the nearest thing around it that exists. */
  lineOf(path: YamlPath): number;
  /** Line of the key `key` in the map at `path`. */
  lineOfKey(path: YamlPath, key: string): number;
}

export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntaxProblems = document.errors.map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    reason: `not YAML: ${error.message}`,
  }));
  const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line;

  function lineOf(path: YamlPath): number {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lineAt(node.range[0]);
    }
    return lineAt(document.contents?.range?.[0]);
  }

  function lineOfKey(path: YamlPath, key: string): number {
    const map = path.length === 0 ? document.contents : document.getIn(path, true);
    const pair = isMap(map) && map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    return pair && isScalar(pair.key) ? lineAt(pair.key.range?.[0]) : lineOf(path);
  }

  const value = syntaxProblems.length === 0 ? toPlain(document, syntaxProblems) : undefined;
  return { value, syntaxProblems, lineOf, lineOfKey };
}

/** Aliases without an anchor, or too many of them, show only when the document becomes plain values. */
function toPlain(document: Document.Parsed, problems: Problem[]): unknown {
  try {
    return document.toJS();
  } catch (error) {
    problems.push({ line: 1, reason: `not YAML: ${(error as Error).message}` });
    return undefined;
  }
}
