/** Go: a module of go.mod and go.sum for each program. Downloads and compiled packages are where Go keeps them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptFolder, readOwn, runTool, type Toolchain, whyMissing } from '../toolchain.js';

const language = 'Go';

/** No other version of Go is downloaded, and go.mod is taken as it stands. */
export const GO_ENVIRONMENT = {
  ...process.env,
  GOTOOLCHAIN: 'local',
  GOFLAGS: '-mod=readonly -buildvcs=false',
};

export const go: Toolchain = {
  language,
  missing: whyMissing('go', ['version'], [1, 26]),

  async build(name, code) {
    const folder = join(keptFolder('go'), name);
    mkdirSync(folder, { recursive: true });
    for (const file of ['go.mod', 'go.sum']) writeFileSync(join(folder, file), readOwn(`go/${file}`));
    writeFileSync(join(folder, 'main.go'), code);
    await runTool(language, ['go', 'build', '-o', 'program', '.'], { cwd: folder, env: GO_ENVIRONMENT });
    return [join(folder, 'program')];
  },
};
