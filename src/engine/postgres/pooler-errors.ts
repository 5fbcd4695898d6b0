interface PoolerAnswer {
  says: RegExp;
  /** `reach`: the way to the server is closed for now; `refuse`: it stays closed until someone changes something. */
  kind: 'reach' | 'refuse';
  hint: string;
}

/**
 * What PgBouncer says for itself. It has one SQLSTATE (08P01) for all of it, also for what it hands on from a server
 * that did not let it in, so the words decide.
 */
const answers: readonly PoolerAnswer[] = [
  {
    says: /query_wait_timeout|server login has been failing|cannot connect to server|server_connect_timeout/,
    kind: 'reach',
    hint: 'The pooler has no free connection to the server behind it: the server is down, or its pool is taken (default_pool_size).',
  },
  {
    says: /transaction blocks not allowed in statement pooling mode/,
    kind: 'refuse',
    hint: 'A pool with pool_mode=statement cannot be used: give the address of the server itself, or a pool with pool_mode=transaction.',
  },
  {
    says: /unsupported startup parameter/,
    kind: 'refuse',
    hint: 'The pooler does not take it: leave it out of the URL, or name it in its ignore_startup_parameters.',
  },
  {
    says: /max_client_conn|max_user_connections|max_user_client_connections|max_db_client_connections/,
    kind: 'refuse',
    hint: 'The pooler takes no more clients: raise its limit, or give the address of the server itself.',
  },
  {
    says: /no such database|database .* does not exist/,
    kind: 'refuse',
    hint: 'The database in the URL must be one of those that the pooler knows, and must exist on the server behind it.',
  },
  {
    says: /authentication failed|no such user|wrong password type|server login failed/,
    kind: 'refuse',
    hint: 'The user or the password in the URL is wrong; a pooler must know them too (auth_file or auth_query).',
  },
];

/** What a pooler's own message means; `undefined` when it is none. */
export function poolerAnswer(sqlState: string, message: string): PoolerAnswer | undefined {
  return sqlState === '08P01' ? answers.find(({ says }) => says.test(message)) : undefined;
}
