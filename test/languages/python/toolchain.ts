/** Python: a virtual environment with the packages of requirements.txt. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce, keptFolder, readOwn, runTool, type Toolchain, whyMissing } from '../toolchain.js';

const language = 'Python';
const WHEELS = 'requirements.txt';
const FROM_SOURCE = 'from-source.txt';
const pathOf = (file: string) => new URL(file, import.meta.url).pathname;

export const python: Toolchain = {
  language,
  // Debian has what makes virtual environments in a package of its own.
  missing:
    whyMissing('python3', ['--version'], [3, 11]) ??
    (spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0
      ? undefined
      : 'python3 has no module venv'),

  async build(name, code) {
    const folder = keptFolder('python');
    const packages = join(folder, 'packages');
    const texts = [WHEELS, FROM_SOURCE].map((file) => readOwn(`python/${file}`));
    await installOnce(folder, texts, async () => {
      await runTool(language, ['python3', '-m', 'venv', '--clear', packages], {});
      const options = ['--quiet', '--disable-pip-version-check', '--require-hashes'];
      const install = [join(packages, 'bin/pip'), 'install', ...options];
      await runTool(language, [...install, '--only-binary=:all:', '-r', pathOf(WHEELS)], {});
      // With the setuptools of the first list, whose hash was compared too.
      const withOwn = ['--no-deps', '--no-build-isolation'];
      await runTool(language, [...install, ...withOwn, '-r', pathOf(FROM_SOURCE)], {});
    });
    const program = join(folder, `${name}.py`);
    writeFileSync(program, code);
    return [join(packages, 'bin/python'), program];
  },
};
