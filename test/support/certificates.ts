import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate and its key, as PEM. */
export interface Certificate {
  certificate: string;
  key: string;
}

export interface Authority extends Certificate {
  /** A certificate for a common name, and for host names and IPv4 addresses of servers. */
  issue(commonName: string, hosts?: string[]): Certificate;
}

/** A certificate authority of a test's own. X.509 (RFC 5280) with P-256 keys, valid from yesterday for a month. */
export function certificateAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const isAuthority = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))));
  const made = (subject: string, key: KeyObject, extensions: Buffer[]): string => {
    const algorithm = sequence(oid('2a8648ce3d040302'));
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([1]), randomBytes(8)),
      algorithm,
      distinguishedName(name),
      sequence(time(-1), time(30)),
      distinguishedName(subject),
      key.export({ type: 'spki', format: 'der' }),
      ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
    );
    const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
    return pem(sequence(body, algorithm, signature));
  };
  return {
    certificate: made(name, publicKey, [isAuthority]),
    key: keyText(privateKey),
    issue(commonName, hosts = []) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = hosts.map((host) =>
        /^[\d.]+$/.test(host)
          ? der(0x87, Buffer.from(host.split('.').map(Number)))
          : der(0x82, Buffer.from(host, 'ascii')),
      );
      const extensions = names.length > 0 ? [extension('551d11', sequence(...names))] : [];
      return { certificate: made(commonName, pair.publicKey, extensions), key: keyText(pair.privateKey) };
    },
  };
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...items: Buffer[]): Buffer {
  return der(0x30, ...items);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName, 'utf8')))));
}

function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/\D/g, '');
  return der(0x17, Buffer.from(`${text.slice(2, 14)}Z`, 'ascii'));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function keyText(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
