/** `npm run docs:integration`: writes docs/integration-points.md anew from the built-in catalogue. */
import { writeFileSync } from 'node:fs';
import { integrationPointsFile, renderBuiltIn } from './integration-points-file.js';

const { text } = await renderBuiltIn();
writeFileSync(integrationPointsFile, text);
console.log('docs/integration-points.md is written');
