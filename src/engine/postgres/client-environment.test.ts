import { expect, test } from 'vitest';
import { clientEnvironment } from './client-environment.ts';

test.each<[string, string | undefined, Record<string, string>]>([
  [
    'postgres://me:p%40ss%3A@db.example:6432/shop?sslmode=verify-full&sslrootcert=/ca.pem',
    undefined,
    {
      PGHOST: 'db.example',
      PGPORT: '6432',
      PGUSER: 'me',
      PGPASSWORD: 'p@ss:',
      PGDATABASE: 'shop',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca.pem',
    },
  ],
  ['postgresql:///shop?host=/run/postgresql', 'host=evil', { PGHOST: '/run/postgresql', PGDATABASE: 'host=evil' }],
  ['postgres://me@db.example', undefined, { PGHOST: 'db.example', PGPORT: '5432', PGDATABASE: 'me' }],
])('%s', (url, database, expected) => {
  expect(clientEnvironment(url, database)).toMatchObject(expected);
});

test('what is no URL is refused', () => {
  expect(() => clientEnvironment('postgres://a b', undefined)).toThrow('cannot be read');
});
