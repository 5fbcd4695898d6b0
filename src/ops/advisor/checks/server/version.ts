import type { Check, CheckContext } from '../../types.ts';
import { answer, unknown } from './answers.ts';
import { knownTime } from './known-time.ts';

/** The last release of each major version: https://www.postgresql.org/support/versioning/ */
const endOfLife = new Map([
  [15, '2027-11-11'],
  [16, '2028-11-09'],
  [17, '2029-11-08'],
  [18, '2030-11-14'],
]);

const day = 86_400_000;

/** How long the server's version is supported. `now`: the server's clock by default. */
export function versionCheck(now?: Date): Check {
  return {
    id: 'version',
    title: 'Version of PostgreSQL',
    documentation:
      'A version that is no longer supported (critical) or will not be in half a year (a warning), by the dates of https://www.postgresql.org/support/versioning/ ' +
      'as they stood for 15 to 18; and versions made for testing (beta, release candidate). Whether there is a newer minor version cannot be known from here, and ' +
      'is not guessed. Cannot tell for versions that this list does not know.',
    run: (context) => run(context, now),
  };
}

async function run(context: CheckContext, at: Date | undefined) {
  const { profile } = context;
  const major = Math.floor(profile.versionNumber / 10_000);
  const end = endOfLife.get(major);
  const now = at ?? (await knownTime(context))?.now ?? new Date();
  const evidence = [
    { label: 'Version', value: profile.version },
    { label: 'Supported until', value: end ?? null },
  ];
  const found = (severity: 'warning' | 'critical', title: string, explanation: string) =>
    answer(
      [
        {
          check: 'version',
          key: `version:${major}`,
          severity,
          subject: { kind: 'database', name: profile.database },
          title,
          explanation,
          evidence,
          gain: null,
          remedy: {
            kind: 'manual',
            fix: [],
            undo: [],
            risk: 'high',
            riskDetail:
              'Try the upgrade (pg_upgrade, or logical replication into a new server) on a copy first, with the application.',
            appliable: false,
          },
        },
      ],
      '',
    );
  if (/(beta|rc|devel)/.test(profile.versionText.split(' ')[1] ?? '')) {
    return found(
      'warning',
      `PostgreSQL ${profile.version} is a version for testing`,
      'Its data files may have to be dumped and loaded for the release, and errors in it are still being found.',
    );
  }
  if (end === undefined)
    return unknown(`Until when PostgreSQL ${major} is supported is not known to this version of Pitcrew`);
  const left = new Date(end).getTime() - now.getTime();
  if (left < 0) {
    return found(
      'critical',
      `PostgreSQL ${major} is not supported since ${end}`,
      'Errors and security holes that are found now are not repaired any more.',
    );
  }
  if (left < 183 * day) {
    return found(
      'warning',
      `PostgreSQL ${major} is supported until ${end} only`,
      'After its last release, errors and security holes are not repaired any more.',
    );
  }
  return answer([], `PostgreSQL ${major} is supported until ${end}`, { evidence });
}

export const version = versionCheck();
