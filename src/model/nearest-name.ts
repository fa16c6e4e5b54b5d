/** Enters: a misspelt name and the names there are; leaves: the one that was surely meant, or nothing. */

/** More than this share of a name's letters wrong is another name, not a slip. */
const DISTANCE_SHARE_MAX = 0.4;

/** ` (did you mean "…"?)`, or '' where none comes close. */
export function suggestName(misspelt: string, known: Iterable<string>): string {
  const best = findNearestName(misspelt, known, (name) => Math.max(2, name.length * DISTANCE_SHARE_MAX));
  return best === undefined ? '' : ` (did you mean "${best}"?)`;
}

/** The known name with the fewest wrong letters, if they are no more than `editsMax` of that name. */
export function findNearestName(
  misspelt: string,
  known: Iterable<string>,
  editsMax: (name: string) => number,
): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const limit = Math.min(bestDistance, editsMax(name));
    if (Math.abs(name.length - misspelt.length) > limit) continue;
    const distance = countEdits(fold(misspelt), fold(name));
    if (distance < bestDistance && distance <= limit) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '_');
}

/** Levenshtein distance, one row at a time. */
function countEdits(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
