import { type ExtensionRow, quoteIdentifier, readExtensions } from '../../../../engine/postgres/index.ts';
import { counted } from '../../../words/index.ts';
import type { Check, CheckContext, Finding } from '../../types.ts';
import { answer, notReadable } from './answers.ts';

/** Modules that come with PostgreSQL: their updates are made for running servers, and tried with it. */
const contrib = new Set(
  `amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw fuzzystrmatch hstore
  insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_logicalinspect pg_prewarm
  pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks pgstattuple postgres_fdw refint seg sslinfo
  tablefunc tcn tsm_system_rows tsm_system_time unaccent xml2`.split(/\s+/),
);

/** Extensions whose objects are older than the files that the server has. */
export const extensionUpdates: Check = {
  id: 'extension-updates',
  title: 'Extensions to update',
  documentation:
    'Extensions of this database whose version is another than the one that the server’s files bring (`pg_available_extensions`), as after an upgrade of ' +
    'the server: their objects stay as they were until ALTER EXTENSION … UPDATE. Pitcrew offers to run it for the modules that come with PostgreSQL; for others ' +
    'read their release notes. Source: `pg_extension`; PostgreSQL documentation, "ALTER EXTENSION".',
  async run({ connection }: CheckContext) {
    const { rows, skipped } = await readExtensions(connection);
    if (skipped.length > 0) return notReadable(skipped, 'The extensions');
    const outdated = rows.filter(({ version, available }) => available !== null && available !== version);
    const gone = rows.filter(({ available }) => available === null);
    return answer(
      [...outdated.map(update), ...gone.map(missing)],
      `${counted(rows.length, 'extension')}, all of the version that the server brings`,
    );
  },
};

function update({ name, version, available, canUpdate, canGoBack, owned }: ExtensionRow): Finding {
  const alter = `ALTER EXTENSION ${quoteIdentifier(name)} UPDATE`;
  const known = contrib.has(name);
  return {
    check: 'extension-updates',
    key: `extension-updates:${name}`,
    severity: 'info',
    subject: { kind: 'database', name },
    title: `Extension ${name} is ${version}, the server brings ${available ?? ''}`,
    explanation:
      'Its functions and views are those of the older version, and what the newer one repairs or adds is missing here.',
    evidence: [
      { label: 'Installed', value: version },
      { label: 'Available', value: available },
    ],
    gain: null,
    remedy: canUpdate
      ? {
          kind: 'schema',
          fix: [alter],
          undo: canGoBack ? [`${alter} TO '${version.replaceAll("'", "''")}'`] : [],
          risk: known ? 'low' : 'medium',
          riskDetail:
            (known
              ? 'It changes functions and views of the extension; what depends on one that changes makes it fail, and nothing is changed then.'
              : 'Read its release notes first: some need a new session, a restart or work afterwards.') +
            (canGoBack ? '' : ' There are no scripts for the way back.') +
            (owned ? '' : ' Its owner has to run it.'),
          appliable: known && owned,
        }
      : null,
  };
}

function missing({ name, version }: ExtensionRow): Finding {
  return {
    check: 'extension-updates',
    key: `extension-updates:${name}`,
    severity: 'warning',
    subject: { kind: 'database', name },
    title: `The files of extension ${name} (${version}) are not on the server`,
    explanation: 'What calls its functions fails, and a dump of this database cannot be restored here.',
    evidence: [{ label: 'Installed', value: version }],
    gain: null,
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'low',
      riskDetail: 'Install its package for this version of PostgreSQL, or drop the extension when nothing uses it.',
      appliable: false,
    },
  };
}
