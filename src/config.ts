/**
 * The settings of the server. Enters: an environment; leaves: a Config, or a UserError that lists everything wrong at once.
 * Nothing else reads environment variables for settings.
 */
import { UserError } from './model/errors.js';
import { type NumberSetting, SETTINGS, type TextSetting } from './settings.js';

type Settings = typeof SETTINGS;
export type Config = { [K in keyof Settings]: Settings[K] extends NumberSetting ? number : string };

/** Addresses and keys that catalogue/alerts.yaml names: Grafana's business, though both may share one environment. */
const OF_ALERTS = /^PLUMBLINE_(ALERT|SLACK|PAGERDUTY|WEBHOOK)_/;

/** Reads every setting. Throws UserError naming each unknown or impossible one and how to mend it. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const known = new Set<string>(Object.values(SETTINGS).map((setting) => setting.env));
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PLUMBLINE_') && !known.has(name) && !OF_ALERTS.test(name))
      problems.push(describeUnknown(name, known));
  }
  const config: Record<string, number | string> = {};
  for (const [key, setting] of Object.entries<NumberSetting | TextSetting>(SETTINGS)) {
    const text = environment[setting.env];
    const value = text === undefined || text === '' ? setting.default : parseSetting(setting, text, problems);
    config[key] = value;
  }
  if (config.clickhouseCluster !== '' && config.clickhouseUrl === '') {
    problems.push(
      `CLICKHOUSE_CLUSTER=${config.clickhouseCluster}: the embedded ClickHouse is no cluster; set CLICKHOUSE_URL to a server of the cluster too`,
    );
  }
  for (const port of ['grpcHost', 'httpHost', 'sqlHost', 'webHost']) config[port] ||= config.host!;
  if (problems.length > 0) throw new UserError(`the settings are not usable:\n  ${problems.join('\n  ')}`);
  return config as Config;
}

function parseSetting(
  setting: NumberSetting | TextSetting,
  text: string,
  problems: string[],
): number | string {
  if ('unit' in setting) {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= setting.min && value <= setting.max)) {
      problems.push(
        `${setting.env}=${text}: must be a whole number from ${setting.min} to ${setting.max} (${setting.unit})`,
      );
    }
    return value;
  }
  if (setting.oneOf !== undefined && !setting.oneOf.includes(text)) {
    problems.push(`${setting.env}=${text}: must be one of ${setting.oneOf.join(', ')}`);
  }
  if (setting.isIdentifier && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
    problems.push(
      `${setting.env}=${text}: must be a name of letters, digits and _, not beginning with a digit`,
    );
  }
  return text;
}

function describeUnknown(name: string, known: ReadonlySet<string>): string {
  const words = new Set(name.split('_').slice(1));
  const likeness = (other: string) => other.split('_').filter((word) => words.has(word)).length;
  const [best] = [...known].sort((a, b) => likeness(b) - likeness(a));
  const hint = best !== undefined && likeness(best) > 0 ? `; did you mean ${best}?` : '';
  return `${name} is not a setting of Plumbline${hint} ("plumbline serve --help" lists them all)`;
}

/** The settings as lines of text, for --help. */
export function describeSettings(): string {
  const rows = Object.values<NumberSetting | TextSetting>(SETTINGS).map((setting) => {
    const unit = 'unit' in setting && setting.unit !== 'port' ? ` ${setting.unit}` : '';
    const value = setting.default === '' ? '(none)' : `${setting.default}${unit}`;
    return [setting.env, value, setting.about] as const;
  });
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(([env, value, about]) => `  ${env.padEnd(widths[0]!)}  ${value.padEnd(widths[1]!)}  ${about}`)
    .join('\n');
}
