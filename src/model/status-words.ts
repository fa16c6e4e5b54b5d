/** What people read for each status of a KPI: the same on the command line, on pages, in Grafana and in messages. */
export const STATUS_WORDS = {
  on_target: 'on target',
  warning: 'warning',
  critical: 'critical',
  unknown: 'unknown',
} as const;
