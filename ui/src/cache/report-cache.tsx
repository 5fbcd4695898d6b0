import { CodeBlock } from '../components/code.tsx';
import { basePath } from '../data/base.ts';
import { useUrl } from '../data/use-url.ts';

/** How a cache comes to be reported: what is to be written in the application. */
export function ReportCache() {
  const { query } = useUrl();
  const database = query['database'];
  const options = [
    `url: '${location.origin}${basePath}'`,
    "application: 'shop'",
    ...(database === undefined ? [] : [`database: ${JSON.stringify(database)}`]),
  ];
  const code = `import { cacheReporting, createPool } from 'pitcrew';
import { createCache } from 'pitcrew/cache';

const pool = createPool({
  connectionString: process.env.DATABASE_URL,
  report: { ${options.join(', ')} },
});
const cache = createCache();
pool.telemetry?.observeCache(cacheReporting(cache, { name: 'catalogue' }));`;
  return (
    <>
      <p>
        A pool that reports takes caches along: every ten seconds it sends what they have counted, and brings back what
        is asked of them here or by <code>pitcrew cache</code>. More is in docs/cache.md.
      </p>
      <CodeBlock text={code} label="A cache that is reported" wrap />
    </>
  );
}
