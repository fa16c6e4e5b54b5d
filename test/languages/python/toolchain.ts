/** Python: a virtual environment with the packages of requirements.txt. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce, keptFolder, readOwn, runTool, type Toolchain, whyMissing } from '../toolchain.js';

const language = 'Python';

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
    const requirements = new URL('requirements.txt', import.meta.url).pathname;
    await installOnce(folder, [readOwn('python/requirements.txt')], async () => {
      await runTool(language, ['python3', '-m', 'venv', '--clear', packages], {});
      const options = ['--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary=:all:'];
      await runTool(language, [join(packages, 'bin/pip'), 'install', ...options, '-r', requirements], {});
    });
    const program = join(folder, `${name}.py`);
    writeFileSync(program, code);
    return [join(packages, 'bin/python'), program];
  },
};
