/** Writes the schemas of the catalogue's files anew: `npm run catalogue:schema`. */
import { writeFileSync } from 'node:fs';
import {
  formatJsonSchema,
  makeAlertsJsonSchema,
  makeJsonSchema,
} from '../../src/kpi/catalogue-json-schema.js';

const schemas = { 'kpi.schema.json': makeJsonSchema(), 'alerts.schema.json': makeAlertsJsonSchema() };
for (const [name, schema] of Object.entries(schemas)) {
  writeFileSync(new URL(`../../catalogue/${name}`, import.meta.url), formatJsonSchema(schema));
  console.log(`catalogue/${name} is written`);
}
