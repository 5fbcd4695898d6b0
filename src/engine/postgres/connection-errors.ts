import pg from 'pg';
import { messageOf, PitcrewError } from '../../errors.ts';
import { noConnectionHint } from './no-connection-left.ts';
import { poolerAnswer } from './pooler-errors.ts';

/** Turns what `pg` or the network threw into a `PitcrewError`. `address` has no user and no password. */
export function connectionError(thrown: unknown, address: string, phase: 'connect' | 'query'): PitcrewError {
  if (thrown instanceof PitcrewError) return thrown;
  const sqlState = thrown instanceof pg.DatabaseError ? thrown.code : undefined;
  const detail = messageOf(thrown);
  const options = { detail, sqlState, cause: thrown };
  if (sqlState !== undefined) {
    const pooler = poolerAnswer(sqlState, detail);
    if (pooler?.kind === 'reach') {
      return new PitcrewError('E_DATABASE_UNREACHABLE', `${address} is not available`, {
        ...options,
        hint: pooler.hint,
      });
    }
    if (pooler)
      return new PitcrewError('E_DATABASE_REFUSED', `${address} refuses us`, { ...options, hint: pooler.hint });
    const refusal =
      (sqlState === '53300' ? noConnectionHint(thrown) : refusals[sqlState]) ??
      (phase === 'connect' ? 'Check the URL, and pg_hba.conf of the server.' : undefined);
    if (unreachable.test(sqlState) && !(phase === 'connect' && sqlState === '08P01')) {
      return new PitcrewError('E_DATABASE_UNREACHABLE', `${address} is not available`, {
        ...options,
        hint: 'The server is starting, stopping or recovering, or ended our session.',
      });
    }
    if (refusal) return new PitcrewError('E_DATABASE_REFUSED', `${address} refuses us`, { ...options, hint: refusal });
    return new PitcrewError('E_QUERY', detail, {
      sqlState,
      detail: queryDetail(thrown),
      hint: queryHint(thrown),
      cause: thrown,
    });
  }
  if (/does not support SSL/.test(detail)) {
    return new PitcrewError('E_DATABASE_REFUSED', `${address} does not offer TLS`, {
      ...options,
      hint: 'Use sslmode=prefer or sslmode=disable in the URL.',
    });
  }
  if (/password must be a (non-empty )?string/i.test(detail)) {
    return new PitcrewError('E_DATABASE_REFUSED', `${address} asks for a password`, {
      detail: 'The URL has none.',
      hint: 'Put it into the URL (postgres://user:password@host/database), or set PGPASSWORD.',
    });
  }
  if (/\balert\b/.test(detail)) {
    return new PitcrewError('E_DATABASE_REFUSED', `${address} refuses TLS with us`, {
      ...options,
      hint: 'It may want a certificate of ours, from a CA that it trusts: sslcert=FILE and sslkey=FILE in the URL.',
    });
  }
  if (/altnames/i.test(detail)) {
    return new PitcrewError('E_DATABASE_REFUSED', `the certificate of ${address} is for another name`, {
      ...options,
      hint: 'Use the host name that it was made for, or sslmode=verify-ca to check only who signed it.',
    });
  }
  if (/certificate|self.signed|unable to verify/i.test(detail)) {
    return new PitcrewError('E_DATABASE_REFUSED', `the certificate of ${address} is not trusted`, {
      ...options,
      hint: 'Name the CA that signed it with sslrootcert=FILE in the URL; sslmode=require alone encrypts without checking.',
    });
  }
  return new PitcrewError('E_DATABASE_UNREACHABLE', `cannot reach ${address}`, {
    ...options,
    hint: networkHint(detail),
  });
}

/** Connection exceptions, shutdown, crash, "the database system is starting up". */
const unreachable = /^(08|57P0[1-5])/;

const refusals: Record<string, string> = {
  '28P01': 'The user or the password in the URL is wrong.',
  '28000':
    'The role may not log in from here: check its name, LOGIN, and pg_hba.conf; some servers want sslmode=require, or a certificate (sslcert, sslkey).',
  '3D000': 'The database in the URL does not exist.',
};

function networkHint(detail: string): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(detail)) return 'The host name in the URL cannot be resolved.';
  if (/ECONNREFUSED/.test(detail))
    return 'Nothing listens there: check host, port, listen_addresses, and that the server runs.';
  if (/ENOENT/.test(detail))
    return 'The socket does not exist: check the folder and the port, and that the server runs.';
  if (/timeout|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(detail))
    return 'Check host, port, firewall and security groups; a server that hangs does not answer either.';
  return 'Check that the server runs and that nothing between cuts the connection.';
}

function queryDetail(thrown: unknown): string | undefined {
  return thrown instanceof pg.DatabaseError ? thrown.detail : undefined;
}

function queryHint(thrown: unknown): string | undefined {
  return thrown instanceof pg.DatabaseError ? thrown.hint : undefined;
}
