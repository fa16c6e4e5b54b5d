/** CityHash128 of version 1.0.2 against the values of another implementation: the package clickhouse-cityhash (1.0.2.6) of Python. */
import { describe, expect, test } from 'vitest';
import { cityHash128 } from '../../src/show/city-hash-128.js';

/** Number of bytes → their hash; around every length at which the function takes another way. */
const HASHES: [length: number, hash: string][] = [
  [0, '2b9ac064fc9df03d291ee592c340b53c'],
  [1, '555db5cc909437391f57cd6430b1f22a'],
  [3, '8669a11d6bfa08312d6150c2f01b3032'],
  [4, '416c8dee5ae721238d3505f627b3a6ce'],
  [7, 'c7957e59690ff99e8fee82976c958749'],
  [8, '2f4353599a7cadb68c88219910020e9f'],
  [9, '9a5158e0f1cc0156ef3f3328ca2f51f8'],
  [12, '0e74c43451a1243912d2ac2ee14a89f1'],
  [15, '472f8fabd899825a77320da978a4a08e'],
  [16, '792b9c7fab9ce7217a3f3135c21556a3'],
  [17, '4c6eeafa13bbd50cfebbf6789171bf32'],
  [24, 'b8636852884ccc11f057f08087189232'],
  [31, 'fc7fc25e32704f6ee015b5f0e9a7239a'],
  [32, 'e9c7ee0484abcf67ee61bdf5273ccd80'],
  [33, '61db6d5b1dbf4b09af7afa8ed52b5710'],
  [48, '0d665c43b809ae1bb677abdbacfa81a2'],
  [100, '776dc3f76d25ede8520cec0696e5a45d'],
  [127, '429982623c2a1c1feade014b6020585d'],
  [143, 'e2be2e5f14891620d04dfbc391bd56df'],
  [144, '7d76859b7b1639d6c6073157f40ba107'],
  [145, '2afc6693664d65def5d6377b548ff6d2'],
  [160, 'ffad79c1a578b7f6b40a456fb26876f2'],
  [200, '547539f88865fc6b54448180b46d70e3'],
  [255, 'cae4bb08cfd87a21ff322f8d03b45b1a'],
  [271, '0021b4adcc681936e9ac1912351222a0'],
  [272, '89087d7bfe17c65d97b5650d585b4db5'],
  [273, 'fb565ece741b3fe5aa786a2d259799c6'],
  [300, 'c373eb14042e552053d887112b0b32d5'],
  [400, 'c9377733896686cc1e887a1fb623b49a'],
  [1000, '9338650b48668db15b5c181055b71876'],
  [65536, 'd558bd5fdff5c26498f66450760ee51b'],
  [100003, '1af0034ec664e1a807322716b1cb00d0'],
];

describe('CityHash128', () => {
  test.each(HASHES)('of %i bytes is that of ClickHouse', (length, hash) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + 3 + Math.floor(i / 256)) % 256);
    expect(cityHash128(bytes).toString('hex')).toBe(hash);
  });

  test('reads where the bytes are in their buffer', () => {
    const bytes = Buffer.from('..SELECT 1..');
    expect(cityHash128(bytes.subarray(2, 10))).toEqual(cityHash128(new Uint8Array(Buffer.from('SELECT 1'))));
  });
});
