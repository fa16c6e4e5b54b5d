/** Enters: a misspelt name and the names there are; leaves: ` (did you mean "…"?)`, or '' where none comes close. */

/** More than this share of a name's letters wrong is another name, not a slip. */
const DISTANCE_SHARE_MAX = 0.4;

export function suggestName(misspelt: string, known: Iterable<string>): string {
  let best = '';
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const distance = countEdits(fold(misspelt), fold(name));
    if (distance < bestDistance && distance <= Math.max(2, name.length * DISTANCE_SHARE_MAX)) {
      best = name;
      bestDistance = distance;
    }
  }
  return best === '' ? '' : ` (did you mean "${best}"?)`;
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
