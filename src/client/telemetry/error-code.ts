import { sqlStateOf } from '../sql-state.ts';

/** What an error is called where its message must not appear, which may quote values: SQLSTATE, code, or name. */
export function errorCode(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  return sqlStateOf(error) ?? (typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : error.name.slice(0, 60));
}
