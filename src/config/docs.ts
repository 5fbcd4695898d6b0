import { type Setting, settings } from './settings.ts';

/** The text of docs/configuration.md. */
export function configurationDocs(): string {
  return `# Configuration

Written by \`npm run docs\` from \`src/config/definition.ts\`; a test fails when it is out of date.

Every setting can stand in \`pitcrew.config.ts\` (looked for in the working directory, or named by \`--config FILE\`; also
\`.mts\`, \`.js\`, \`.mjs\` and \`.json\`), in an environment variable, or on the command line. A flag wins over the environment,
the environment over the file, the file over the default. A \`.env\` file in the working directory is read; variables that
are set already win over it. Unknown keys and bad values are refused with their path, what was found and what is allowed.

\`\`\`ts
import { defineConfig } from 'pitcrew/config';

export default defineConfig({
  databases: { shop: 'postgres://pitcrew@db.internal/shop' },
  server: { port: 7432 },
  store: { retention: { raw: '48h' } },
});
\`\`\`

Durations are written with a unit: \`250ms\`, \`10s\`, \`5m\`, \`24h\`, \`7d\`, \`2w\`, \`2y\`. Sizes likewise, with
PostgreSQL's units: \`8kB\`, \`512MB\`, \`10GB\`, \`1TB\`. Passwords are best left to
\`PGPASSWORD\`, \`~/.pgpass\` or the environment; Pitcrew never shows them in logs, errors, the API or the dashboard.

${groups()
  .map(([title, members]) => `## ${title}\n\n${table(members)}`)
  .join('\n\n')}
`;
}

function groups(): [title: string, members: Setting[]][] {
  const byTop = Map.groupBy(settings, ({ path }) => (path.length > 1 ? (path[0] ?? '') : 'general'));
  return [...byTop].toSorted(([a], [b]) => Number(b === 'general') - Number(a === 'general'));
}

function table(members: Setting[]): string {
  const head = '| key | what it does | value | default | environment | flag |\n| --- | --- | --- | --- | --- | --- |';
  const rows = members.map(({ path, description, kind, env, flag, ...setting }) => {
    const fallback = setting.default === undefined ? '' : `\`${setting.default}\``;
    const flagText = flag === undefined ? '' : `\`--${flag}\``;
    const envText = env === undefined ? '' : `\`${env}\``;
    const key = path.join('.').replaceAll('.<number>', '[]');
    return `| \`${key}\` | ${description} | ${kind} | ${fallback} | ${envText} | ${flagText} |`;
  });
  return [head, ...rows].join('\n');
}
