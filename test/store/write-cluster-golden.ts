/** Writes test/golden/cluster anew; run by `npm run golden:cluster` and by nothing else. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { GOLDEN_FOLDER, listClusterFiles } from '../testkit/cluster-statements.js';

const files = await listClusterFiles();
rmSync(GOLDEN_FOLDER, { recursive: true, force: true });
mkdirSync(GOLDEN_FOLDER, { recursive: true });
for (const [name, text] of files) writeFileSync(new URL(name, GOLDEN_FOLDER), text);
