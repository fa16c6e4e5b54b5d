/** Certificates made on the spot: an authority, and what it signs for 127.0.0.1 and for clients. Valid for an hour. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface CertificatePair {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface Authority {
  /** PEM. */
  cert: string;
  sign(commonName: string): Promise<CertificatePair>;
}

export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await makeKeys();
  const issuer = `CN=${commonName}`;
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: issuer,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    cert: own.toString('pem'),
    async sign(name) {
      const { publicKey, privateKey } = await makeKeys();
      const cert = await x509.X509CertificateGenerator.create({
        ...validity(),
        subject: `CN=${name}`,
        issuer,
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            { type: 'ip', value: '127.0.0.1' },
            { type: 'dns', value: 'localhost' },
          ]),
        ],
      });
      const key = x509.PemConverter.encode(
        await webcrypto.subtle.exportKey('pkcs8', privateKey),
        'PRIVATE KEY',
      );
      return { cert: cert.toString('pem'), key };
    },
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

function validity() {
  const now = Date.now();
  return { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
}
