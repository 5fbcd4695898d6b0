import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf, PitcrewError } from '../../errors.ts';

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * Checks what a URL's query part says of TLS: the name of the mode, and the files it names.
 * @throws {PitcrewError} `E_CONFIG`. Without this a misspelt mode would be taken as another one.
 */
export function checkTlsSettings(parameters: URLSearchParams): void {
  const mode = parameters.get('sslmode');
  if (mode !== null && !modes.includes(mode)) {
    throw new PitcrewError('E_CONFIG', `unknown sslmode "${mode}" in the database URL`, {
      hint: `It is one of ${modes.join(', ')}.`,
    });
  }
  const authority = parameters.get('sslrootcert');
  if (mode === 'verify-ca' && !authority) {
    throw new PitcrewError('E_CONFIG', 'sslmode=verify-ca needs a CA in the database URL', {
      detail: 'Any public CA would do otherwise, whoever the server belongs to.',
      hint: 'Name its file with sslrootcert=FILE, or use sslmode=verify-full.',
    });
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const path = parameters.get(name);
    if (!path) continue;
    const text = readFor(name, path);
    if (name !== 'sslkey') certificateIn(name, path, text);
  }
}

function readFor(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PitcrewError('E_CONFIG', `the file that ${name} names cannot be read`, {
      detail: messageOf(error),
      hint: 'The path is taken from the folder in which Pitcrew was started; its user must be allowed to read the file.',
      cause: error,
    });
  }
}

function certificateIn(name: string, path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new PitcrewError('E_CONFIG', `the file that ${name} names holds no certificate`, {
      detail: `${path}: ${messageOf(error)}`,
      hint: 'A PEM file is expected: it has a line "-----BEGIN CERTIFICATE-----".',
      cause: error,
    });
  }
}
