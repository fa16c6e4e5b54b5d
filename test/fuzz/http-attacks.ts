/**
 * Requests to the HTTP port that are wrong somewhere: body, compression, headers, framing, or everything. Enters: a draw;
 * leaves: the bytes for a socket, and what the server owes in return.
 */
import type { Chance } from './chance.js';
import { compress } from './compressed.js';
import type { Corpus } from './corpus.js';
import { mutateRequest } from './mutated-request.js';

export interface HttpAttack {
  name: string;
  bytes: Buffer;
  /** After the bytes: end our half and read on, hang up, or only wait (the request says that it is complete). */
  ending: 'end' | 'hang up' | 'wait';
  /** An answer is due: framing and connection are as they should be. */
  mustAnswer: boolean;
}

const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };
const HEADER_VALUES = [
  ...[
    '',
    ' ',
    'x',
    '0',
    '-1',
    '1',
    '99999999999999999999',
    'gzip, gzip',
    'identity',
    'br',
    'zstd, gzip',
    'GZIP',
  ],
  ...[
    'application/json; charset=utf-8',
    'APPLICATION/X-PROTOBUF',
    'text/plain',
    'multipart/form-data',
    'application/',
  ],
  ...[
    'chunked',
    'chunked, chunked',
    'close',
    'keep-alive',
    'upgrade',
    '100-continue',
    '*',
    'é',
    '\x01',
    'a'.repeat(5_000),
  ],
];
const HEADER_NAMES = [
  ...[
    'Content-Type',
    'Content-Encoding',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Expect',
    'Host',
  ],
  ...[
    'Upgrade',
    'Origin',
    'Authorization',
    'Accept',
    'Accept-Encoding',
    'Range',
    'X-Forwarded-For',
    'Te',
    'Trailer',
  ],
  ...['x-'.repeat(200), '', ' ', '__proto__', 'constructor'],
];

export function drawHttpAttack(corpus: Corpus, seed: number, number: number, chance: Chance): HttpAttack {
  const { bytes, encoding } = mutateRequest(corpus, seed, number);
  const names = Object.keys(ATTACKS);
  const name = chance.happens(0.4) ? 'mutated body' : chance.pick(names);
  return { name, ...ATTACKS[name]!({ body: bytes, type: TYPES[encoding], chance }) };
}

interface Draft {
  body: Buffer;
  type: string;
  chance: Chance;
}

const ATTACKS: Record<string, (draft: Draft) => Omit<HttpAttack, 'name'>> = {
  'mutated body': ({ body, type }) => complete(post(body, [['Content-Type', type]])),
  compressed: ({ body, type, chance }) => {
    const { encoding, body: packed } = compress(body, chance);
    const headers: Header[] = [
      ['Content-Type', type],
      ['Content-Encoding', encoding],
    ];
    return complete(post(packed, headers));
  },
  chunked: ({ body, type, chance }) => complete(chunked(body, type, chance)),
  'compression that is none': ({ body, type }) =>
    complete(
      post(body, [
        ['Content-Type', type],
        ['Content-Encoding', 'gzip'],
      ]),
    ),
  'another type': ({ body, type }) =>
    complete(post(body, [['Content-Type', type === TYPES.json ? TYPES.protobuf : TYPES.json]])),
  'odd header': ({ body, type, chance }) =>
    broken(post(body, [['Content-Type', type], drawHeader(chance), drawHeader(chance)])),
  'many headers': ({ body, type, chance }) => {
    const more = Array.from({ length: chance.size(3_000) }, (_, i): Header => [`x-${i}`, 'y']);
    return broken(post(body, [['Content-Type', type], ...more]));
  },
  'length that lies': ({ body, type, chance }) => {
    const length = chance.pick([body.length + 1, body.length - 1, 0, body.length * 2 + 10, 2 ** 31, 2 ** 53]);
    return broken(
      raw(
        'POST /v1/metrics HTTP/1.1',
        [
          ['Content-Type', type],
          ['Content-Length', `${length}`],
        ],
        body,
      ),
    );
  },
  'two lengths': ({ body, type }) =>
    broken(
      post(body, [
        ['Content-Type', type],
        ['Content-Length', '7'],
      ]),
    ),
  'length and chunks': ({ body, type }) =>
    broken(
      post(body, [
        ['Content-Type', type],
        ['Transfer-Encoding', 'chunked'],
      ]),
    ),
  'broken chunks': ({ body, type, chance }) => {
    const sizes = ['zz', '-1', 'ffffffffffffffff', '5;ext=1', '', '0x10', ' 5'];
    const content = Buffer.concat([Buffer.from(`${chance.pick(sizes)}\r\n`), body, Buffer.from('\r\n0\r\n')]);
    return broken(
      raw(
        'POST /v1/metrics HTTP/1.1',
        [
          ['Content-Type', type],
          ['Transfer-Encoding', 'chunked'],
        ],
        content,
      ),
    );
  },
  'request line': ({ body, type, chance }) => {
    const lines = [
      ...[
        'GET /v1/metrics HTTP/1.1',
        'POST /v1/metrics HTTP/1.0',
        'POST /v1/metrics HTTP/9.9',
        'POST /v1/metrics',
      ],
      ...[
        'POST  /v1/metrics HTTP/1.1',
        'post /v1/metrics HTTP/1.1',
        'POST http://[::1/v1/metrics HTTP/1.1',
        'POST * HTTP/1.1',
      ],
      ...[
        'OPTIONS /v1/metrics HTTP/1.1',
        'HEAD /v1/metrics HTTP/1.1',
        'CONNECT a:1 HTTP/1.1',
        'TRACE / HTTP/1.1',
      ],
      ...[
        'POST /%00 HTTP/1.1',
        'POST /%zz HTTP/1.1',
        'POST //v1//metrics HTTP/1.1',
        'POST /../v1/metrics HTTP/1.1',
      ],
      ...[
        `POST /${'a'.repeat(9_000)} HTTP/1.1`,
        'POST /v1/metrics?a=%ff HTTP/1.1',
        'PRI * HTTP/2.0',
        '\0\0\0',
      ],
    ];
    return broken(
      raw(
        chance.pick(lines),
        [
          ['Content-Type', type],
          ['Content-Length', `${body.length}`],
        ],
        body,
      ),
    );
  },
  'cut short': ({ body, type, chance }) => {
    const whole = post(body, [['Content-Type', type]]);
    return {
      bytes: whole.subarray(0, chance.below(whole.length)),
      ending: chance.pick(['end', 'hang up']),
      mustAnswer: false,
    };
  },
  'hung up': ({ body, type }) => ({
    bytes: post(body, [['Content-Type', type]]),
    ending: 'hang up',
    mustAnswer: false,
  }),
  pipelined: ({ body, type, chance }) => {
    const requests = Array.from({ length: 1 + chance.below(6) }, () =>
      post(
        body,
        [['Content-Type', type], ...(chance.happens(0.3) ? [drawHeader(chance)] : [])],
        'keep-alive',
      ),
    );
    return broken(Buffer.concat(requests));
  },
  'bits of everything flipped': ({ body, type, chance }) => {
    const whole = Buffer.from(post(body, [['Content-Type', type]]));
    for (let i = chance.size(20); i > 0; i--)
      whole[chance.below(Math.min(whole.length, 300))]! ^= 1 << chance.below(8);
    return broken(whole);
  },
  noise: ({ chance }) => broken(chance.bytes(chance.size(2_000))),
  'TLS to a plain port': () => broken(Buffer.from('16030100f1010000ed0303', 'hex')),
};

type Header = [name: string, value: string];

function drawHeader(chance: Chance): Header {
  return [chance.pick(HEADER_NAMES), chance.pick(HEADER_VALUES)];
}

function complete(bytes: Buffer): Omit<HttpAttack, 'name'> {
  return { bytes, ending: 'wait', mustAnswer: true };
}

/** Whatever the server makes of it, it must let go. */
function broken(bytes: Buffer): Omit<HttpAttack, 'name'> {
  return { bytes, ending: 'end', mustAnswer: false };
}

function post(body: Buffer, headers: Header[], connection = 'close'): Buffer {
  const length: Header = ['Content-Length', String(body.length)];
  return raw('POST /v1/metrics HTTP/1.1', [['Connection', connection], length, ...headers], body);
}

function raw(line: string, headers: Header[], body: Buffer): Buffer {
  const head = [line, 'Host: fuzz', ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

function chunked(body: Buffer, type: string, chance: Chance): Buffer {
  const pieces: Buffer[] = [];
  for (let from = 0; from < body.length; ) {
    const size = Math.min(body.length - from, chance.size(4_000));
    pieces.push(
      Buffer.from(`${size.toString(16)}\r\n`),
      body.subarray(from, from + size),
      Buffer.from('\r\n'),
    );
    from += size;
  }
  const content = Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
  const headers: Header[] = [
    ['Connection', 'close'],
    ['Content-Type', type],
    ['Transfer-Encoding', 'chunked'],
  ];
  return raw('POST /v1/metrics HTTP/1.1', headers, content);
}
