import { CodeBlock } from '../components/code.tsx';
import { basePath } from '../data/base.ts';
import { useUrl } from '../data/use-url.ts';

/** How an application comes to report: what is to be written there. */
export function SendReports() {
  const { query } = useUrl();
  const database = query['database'];
  const options = [
    `url: '${location.origin}${basePath}'`,
    "application: 'shop'",
    ...(database === undefined ? [] : [`database: ${JSON.stringify(database)}`]),
  ];
  const code = `import { createPool } from 'pitcrew';

const pool = createPool({
  connectionString: process.env.DATABASE_URL,
  report: { ${options.join(', ')} },
});`;
  return (
    <>
      <p>
        A pool made by <code>createPool</code> sends every ten seconds what it has measured. It takes the place of{' '}
        <code>pg.Pool</code>; where this server asks for a token, add <code>token</code>. More is in docs/telemetry.md.
      </p>
      <CodeBlock text={code} label="A pool that reports" wrap />
    </>
  );
}
