/** Units in SQL text. Enters: SQL of a value of a view, which is in a base unit; leaves: SQL of the same in another unit. */
import { parseUnit } from './unit.js';

/** `value` in `unit`, which must have the same base unit. */
export function fromBaseSql(value: string, unit: string): string {
  const { factor, offset } = parseUnit(unit);
  const shifted = offset === 0 ? value : `(${value} - ${offset})`;
  return factor === 1 ? shifted : `${shifted} / ${factor}`;
}
