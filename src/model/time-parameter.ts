/**
 * Times that views take as parameters. Enters: the name of a parameter; leaves: SQL of the moment that it names, a constant by
 * which keys are searched.
 */

/**
 * SQL of a DateTime64(9, 'UTC'). A value reaches a view as text without its zone: a time in the zone of the session, whatever
 * its type was, a text with a zone of its own, or seconds since the epoch. A time typed in another zone than that of the
 * session cannot be told apart (docs/increase.md, "Times"). The zone is not named: `timezone()` is no constant on shards.
 * Throws in SQL (CANNOT_PARSE_DATETIME) where the value is none of these.
 */
export function timeParameter(name: string): string {
  return `toTimeZone(parseDateTime64BestEffort({${name}:String}, 9), 'UTC')`;
}
