/** Writes catalogue/kpi.schema.json anew: `npm run catalogue:schema`. */
import { writeFileSync } from 'node:fs';
import { formatJsonSchema } from '../../src/kpi/catalogue-json-schema.js';

const file = new URL('../../catalogue/kpi.schema.json', import.meta.url);
writeFileSync(file, formatJsonSchema());
console.log('catalogue/kpi.schema.json is written');
