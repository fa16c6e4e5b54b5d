/**
 * Every program of README.md and docs/sending.md, run as it stands with the real SDK of its language, over every protocol that
 * the page names for it: plain, with a token, and with certificates. SQL says what arrived, to the digit.
 */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { go } from './go/toolchain.js';
import { java, javaAgent } from './java/toolchain.js';
import { readFence, readFences } from './markdown-fences.js';
import { node } from './node/toolchain.js';
import { python } from './python/toolchain.js';
import { rust } from './rust/toolchain.js';
import {
  addressOf,
  fillIn,
  type Protocol,
  readSent,
  readVariables,
  runSender,
  WAYS,
  type Way,
} from './sender.js';
import { readOwn, type Toolchain } from './toolchain.js';

interface Program {
  toolchain: Toolchain;
  section: string;
  /** Language of its fence. */
  fence: string;
  protocols: Protocol[];
  /** What a count of orders is sent as. JavaScript has no integers of its own. */
  count: 'int' | 'double';
}

const PAGE = 'docs/sending.md';
const BOTH: Protocol[] = ['http/protobuf', 'grpc'];
const PROGRAMS: Program[] = [
  { toolchain: node, section: 'Node', fence: 'js', protocols: [...BOTH, 'http/json'], count: 'double' },
  { toolchain: python, section: 'Python', fence: 'python', protocols: BOTH, count: 'int' },
  { toolchain: go, section: 'Go', fence: 'go', protocols: BOTH, count: 'int' },
  { toolchain: java, section: 'Java', fence: 'java', protocols: BOTH, count: 'int' },
  { toolchain: javaAgent, section: 'Java with the agent', fence: 'java', protocols: BOTH, count: 'int' },
  { toolchain: rust, section: 'Rust', fence: 'rust', protocols: BOTH, count: 'int' },
];
/** Those of the README, which show the first metric over HTTP. */
const FIRST = PROGRAMS.filter(({ fence }) => ['js', 'python', 'go'].includes(fence));

const RESPONSE_TIME = {
  metric_name: 'response_time',
  unit: 'ms',
  type: 'histogram',
  scope: 'checkout',
  attributes: {},
  count: '1',
  number: 'double',
  sum: '182.25',
};
const ORDERS = {
  metric_name: 'orders',
  unit: '{order}',
  type: 'sum',
  scope: 'checkout',
  attributes: { 'payment.method': 'card' },
  count: '1',
  sum: '3',
};

const plumblines = inject('plumblines');

/** Runs a program in a way and over a protocol; resolves with what arrived. */
async function send(command: string[], exported: string, way: Way, protocol: Protocol) {
  const service = `checkout-${crypto.randomUUID()}`;
  const address = addressOf(plumblines, way, protocol);
  const variables = fillIn(exported, { protocol, address, secret: plumblines.secret, service });
  const output = await runSender(command, variables, plumblines.senderFolder);
  return readSent(plumblines[way], service, output);
}

/** Its tests are skipped, and it is said why, where the language is not there. */
function describeLanguage({ language, missing }: Toolchain, page: string, tests: () => void): void {
  if (missing !== undefined) console.warn(`${language} in ${page} is skipped: ${missing}`);
  describe.skipIf(missing !== undefined)(`${language} in ${page}`, tests);
}

for (const { toolchain, section, fence, protocols, count } of PROGRAMS) {
  describeLanguage(toolchain, PAGE, () => {
    let command: string[];
    beforeAll(async () => {
      command = await toolchain.build('page', readFence(PAGE, section, fence));
    });

    for (const protocol of protocols) {
      for (const [way, words] of Object.entries(WAYS) as [Way, string][]) {
        it(`sends over ${protocol} ${words}`, async () => {
          const sent = await send(command, readVariables(PAGE, way), way, protocol);
          expect(sent).toEqual([{ ...ORDERS, number: count }, RESPONSE_TIME]);
        });
      }
    }
  });
}

for (const { toolchain, section, fence } of FIRST) {
  describeLanguage(toolchain, 'README.md', () => {
    let command: string[];
    beforeAll(async () => {
      command = await toolchain.build('readme', readFence('README.md', section, fence));
    });

    it('sends with the variables that the README exports', async () => {
      const exported = readFence('README.md', 'Point your exporter here', 'sh');
      expect(await send(command, exported, 'plain', 'http/protobuf')).toEqual([RESPONSE_TIME]);
    });
  });
}

describe('the servers that want something', () => {
  it('take nothing from those who do not show it', async () => {
    const { token, tls } = plumblines;
    const post = (url: string) =>
      fetch(`${url}/v1/metrics`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{}',
      });
    expect((await post(`http://${token.http}`)).status).toBe(401);
    await expect(post(`https://${tls.http}`)).rejects.toThrow();
    await expect(post(`http://${tls.http}`)).rejects.toThrow();
  });
});

describeLanguage(javaAgent, 'README.md', () => {
  let command: string[];
  beforeAll(async () => {
    command = await javaAgent.build('readme', readFence(PAGE, 'Java with the agent', 'java'));
  });

  it('sends with the variables that the README exports', async () => {
    const exported = readFence('README.md', 'Point your exporter here', 'sh');
    const sent = await send(command, exported, 'plain', 'http/protobuf');
    expect(sent).toEqual([{ ...ORDERS, number: 'int' }, RESPONSE_TIME]);
  });

  it('is started as both pages say', () => {
    const started = 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar\n';
    expect(readFence('README.md', 'Java', 'sh')).toBe(started);
    expect(readFence(PAGE, 'Java with the agent', 'sh')).toBe(started);
  });
});

describe('docs/sending.md', () => {
  it('has no program that is not run here', () => {
    const run = PROGRAMS.map(({ section, fence }) => `${section}: ${fence}`);
    const shown = readFences(PAGE)
      .filter(({ language }) => !['sh', 'toml', 'xml', 'yaml'].includes(language))
      .map(({ section, language }) => `${section}: ${language}`);
    expect(shown).toEqual(run);
  });

  it('installs the packages that these tests install', () => {
    const words = (section: string) => readFence(PAGE, section, 'sh').trim().split(/\s+/);
    const manifest = JSON.parse(readOwn('node/package.json')) as { dependencies: Record<string, string> };
    expect(words('Node').slice(2)).toEqual(Object.keys(manifest.dependencies));
    // Lists of the other languages have further packages, for the tests of other pages.
    const required = [...readOwn('python/requirements.in').matchAll(/^(\S+)==/gm)].map(([, name]) => name);
    const installed = words('Python').slice(2);
    expect(installed.length).toBe(3);
    expect(required).toEqual(expect.arrayContaining(installed));
    const got = words('Go').filter((word) => word.includes('/'));
    expect(got.filter((module) => !readOwn('go/go.mod').includes(`\t${module} v`))).toEqual([]);
    const withoutSpace = (text: string) => text.replaceAll(/\s+/g, '');
    const packages = readFence(PAGE, 'Java', 'xml').match(/<dependency>.*?<\/dependency>/gs)!;
    expect(packages.length).toBe(3);
    for (const each of packages) expect(withoutSpace(readOwn('java/pom.xml'))).toContain(withoutSpace(each));
    expect(readOwn('rust/Cargo.toml')).toContain(readFence(PAGE, 'Rust', 'toml'));
  });
});
