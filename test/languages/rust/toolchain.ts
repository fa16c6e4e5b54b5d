/** Rust: one crate of Cargo.toml and Cargo.lock, so that its dependencies are compiled once. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptFolder, readOwn, runTool, type Toolchain, whyMissing } from '../toolchain.js';

const language = 'Rust';

export const rust: Toolchain = {
  language,
  missing: whyMissing('cargo', ['--version'], [1, 85]),

  async build(name, code) {
    const folder = keptFolder('rust');
    mkdirSync(join(folder, 'src'), { recursive: true });
    for (const file of ['Cargo.toml', 'Cargo.lock'])
      writeFileSync(join(folder, file), readOwn(`rust/${file}`));
    writeFileSync(join(folder, 'src/main.rs'), code);
    // Without options of the machine that would compile it another way, or elsewhere.
    const env = { ...process.env, CARGO_TARGET_DIR: join(folder, 'target'), RUSTFLAGS: '' };
    await runTool(language, ['cargo', 'build', '--locked', '--quiet'], { cwd: folder, env });
    const program = join(folder, name);
    copyFileSync(join(folder, 'target/debug/checkout'), program);
    return [program];
  },
};
