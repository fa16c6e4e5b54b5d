/** Which statements may read what senders sent. Text alone decides, and where it cannot tell, they may. */

/** Rows come from what follows these words; in ClickHouse IN takes a table too. */
const SOURCE = /\b(?:from|join|in)\b(?!\s+(?:system|information_schema)\s*\.)(?!\s+numbers\s*\()/i;

export function mayReadPoints(sql: string): boolean {
  return SOURCE.test(sql);
}
