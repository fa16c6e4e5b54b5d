/**
 * Values in base units. Senders of one metric may use different units (`ms` and `s`), so views convert before anybody adds
 * anything up: value × unit_factor + unit_offset of table `series` is in `base_unit`, and a difference or a sum has its own way
 * to it. Enters: rows of a view, one or more for each series, with values as they were sent; leaves: SQL text of the same rows in
 * base units. Units and how they are read: docs/units.md.
 */
import { METRIC } from './chain-rows.js';

/** (series_id, base_unit, unit_factor, unit_offset), a row for each series of `metrics`. */
export function unitsOf(metrics: string): string {
  return `SELECT series_id, toString(base_unit) AS base_unit, unit_factor, unit_offset FROM series FINAL WHERE ${metrics}`;
}

/** How a column of `rows` gets into the base unit; `name AS name` for what has no unit. */
export const asIs = (name: string) => `rows.${name} AS ${name}`;
/** A difference between two values: where the scale has its zero does not matter. */
export const difference = (name: string) => `rows.${name} * units.unit_factor AS ${name}`;
export const value = (name: string) => `${converted(`rows.${name}`)} AS ${name}`;
export const values = (name: string) => `arrayMap(v -> ${converted('v')}, rows.${name}) AS ${name}`;
/** A sum of as many values as column `count` says. */
export const sumOf = (name: string, count: string) =>
  `rows.${name} * units.unit_factor + rows.${count} * units.unit_offset AS ${name}`;

function converted(sql: string): string {
  return `${sql} * units.unit_factor + units.unit_offset`;
}

/** SELECT of `columns` and base_unit. `rows`: a SELECT with series_id. */
export function inBaseUnits(
  rows: string,
  columns: readonly string[],
  metrics = `metric_name = ${METRIC}`,
): string {
  return `
SELECT
    ${columns.join(',\n    ')},
    units.base_unit AS base_unit
FROM (${rows}
) AS rows
INNER JOIN (${unitsOf(metrics)}) AS units USING (series_id)`;
}

/** Where values of several series are merged: their base units. With more than one there is no merged value. */
export const MERGED_UNITS = 'groupUniqArray(base_unit) AS units';

/** Columns base_unit and reason of merged values. `units`: an array of their base units. */
export function unitColumns(units: string): string {
  return `if(length(${units}) = 1, ${units}[1], NULL) AS base_unit,
    if(length(${units}) = 1, '', concat('units cannot be converted into each other: ', arrayStringConcat(arrayMap(u -> concat('"', u, '"'), arraySort(${units})), ', '))) AS reason`;
}
