/** Node: the packages of package-lock.json, and the Node that runs the tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce, keptFolder, readOwn, runTool, type Toolchain } from '../toolchain.js';

const FILES = ['package.json', 'package-lock.json'];

export const node: Toolchain = {
  language: 'Node',
  missing: undefined,

  async build(name, code) {
    const folder = keptFolder('node');
    const texts = FILES.map((file) => readOwn(`node/${file}`));
    await installOnce(folder, texts, async () => {
      FILES.forEach((file, i) => {
        writeFileSync(join(folder, file), texts[i]!);
      });
      await runTool('Node', ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
    });
    const program = join(folder, `${name}.mjs`);
    writeFileSync(program, code);
    return [process.execPath, program];
  },
};
