/** A Collector, compiled with Go from its own modules. Enters: configuration files; leaves: the command that runs it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GO_ENVIRONMENT, go } from '../go/toolchain.js';
import { installOnce, keptFolder, readOwn, runTool } from '../toolchain.js';

const FILES = ['go.mod', 'go.sum', 'main.go'];

export const collector = {
  language: 'The Collector',
  missing: go.missing,

  /** Returns the path of the program. */
  async build(): Promise<string> {
    const folder = keptFolder('collector');
    const texts = FILES.map((file) => readOwn(`collector/${file}`));
    await installOnce(folder, texts, async () => {
      for (const [i, file] of FILES.entries()) writeFileSync(join(folder, file), texts[i]!);
      const command = ['go', 'build', '-ldflags=-s -w', '-o', 'otelcol', '.'];
      await runTool('Go', command, { cwd: folder, env: GO_ENVIRONMENT });
    });
    return join(folder, 'otelcol');
  },
};
