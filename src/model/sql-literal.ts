/**
 * Text as a string literal of ClickHouse, for statements that cannot have parameters: views, dashboards, DDL. Enters: any text;
 * leaves: SQL. Nothing of a request comes here where a parameter would do.
 */

/** Only the backslash and the quote can end or change a literal. NUL would cut the text in the engine's binding. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`;
}
