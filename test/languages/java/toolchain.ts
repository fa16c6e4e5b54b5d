/** Java: the libraries and the agent of pom.xml, which Maven copies; the JDK compiles. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce, keptFolder, readOwn, runTool, type Toolchain, whyMissing } from '../toolchain.js';

const language = 'Java';
const missing = whyMissing('javac', ['--version'], [17, 0]) ?? whyMissing('mvn', ['--version'], [3, 6]);

/** A program that brings its own SDK. */
export const java: Toolchain = {
  language,
  missing,

  async build(name, code) {
    const { classes, libraries, mainClass } = await compile(name, code);
    return ['java', '-cp', `${classes}:${libraries}/*`, mainClass];
  },
};

/** A program that knows the API only: the agent brings the SDK. */
export const javaAgent: Toolchain = {
  language: 'Java with the agent',
  missing,

  async build(name, code) {
    const { folder, classes, libraries, mainClass } = await compile(name, code);
    const jar = join(folder, 'app.jar');
    const api = readdirSync(libraries).filter((file) => /^opentelemetry-(api|common|context)-\d/.test(file));
    for (const file of api) await runTool(language, ['jar', 'xf', join(libraries, file)], { cwd: classes });
    await runTool(language, ['jar', '-cfe', jar, mainClass, '-C', classes, '.'], {});
    return [
      'java',
      `-javaagent:${join(keptFolder('java'), 'agent/opentelemetry-javaagent.jar')}`,
      '-jar',
      jar,
    ];
  },
};

async function compile(name: string, code: string) {
  const kept = keptFolder('java');
  const pom = readOwn('java/pom.xml');
  await installOnce(kept, [pom], async () => {
    writeFileSync(join(kept, 'pom.xml'), pom);
    // Refuses what differs from its checksum.
    const options = ['--quiet', '--batch-mode', '--strict-checksums'];
    await runTool(language, ['mvn', ...options, 'process-resources'], { cwd: kept });
  });
  const folder = join(kept, name);
  const [classes, libraries] = [join(folder, 'classes'), join(kept, 'lib')];
  mkdirSync(classes, { recursive: true });
  const [, mainClass] = /public class (\w+)/.exec(code)!;
  const source = join(folder, `${mainClass}.java`);
  writeFileSync(source, code);
  await runTool(language, ['javac', '-cp', `${libraries}/*`, '-d', classes, source], {});
  return { folder, classes, libraries, mainClass: mainClass! };
}
