import { type CheckDefinition, critical, ok, warning } from '../check.ts';
import { notRead } from '../reading.ts';
import { counted, listed } from '../../../words/index.ts';

interface Danger {
  name: string;
  value: string;
  severity: 'warning' | 'critical';
  /** Ends the sentence "fsync is off: …". */
  why: string;
}

const off = (name: string, severity: Danger['severity'], why: string): Danger => ({
  name,
  value: 'off',
  severity,
  why,
});
const on = (name: string, why: string): Danger => ({ name, value: 'on', severity: 'critical', why });

const dangers: readonly Danger[] = [
  off('fsync', 'critical', 'a crash of the machine can destroy the database'),
  on('zero_damaged_pages', 'damaged pages are emptied without a word'),
  on('ignore_checksum_failure', 'damaged pages are read as if they were sound'),
  on('ignore_system_indexes', 'the catalog is read without its indexes'),
  off('autovacuum', 'critical', 'dead rows pile up, statistics age, and only emergencies are vacuumed'),
  off('track_counts', 'critical', 'autovacuum cannot work without it'),
  off(
    'full_page_writes',
    'warning',
    'a crash in the middle of a write can tear pages, unless the file system prevents it',
  ),
  ...[
    'enable_bitmapscan',
    'enable_hashagg',
    'enable_hashjoin',
    'enable_indexscan',
    'enable_indexonlyscan',
    'enable_mergejoin',
    'enable_nestloop',
    'enable_seqscan',
    'enable_sort',
  ].map((name) => off(name, 'warning', 'the planner may not use it for any statement')),
];

/** What our own session sets is not what the server runs with. */
const ofTheServer = (source: string): boolean => source !== 'session' && source !== 'client';

export const dangerousSettings: CheckDefinition = {
  id: 'dangerous-settings',
  title: 'Dangerous settings',
  weight: 8,
  cap: 69,
  thresholds: `critical: ${describe('critical')}; warning: ${describe('warning')} (half the weight for the first, all from two)`,
  source: '`pg_settings`',
  collector: 'slow',
  judge(input) {
    const { settings } = input;
    if (!settings) return notRead(input, 'The settings', ['settings']);
    const found = dangers.filter(({ name, value }) =>
      settings.some((setting) => setting.name === name && setting.value === value && ofTheServer(setting.source)),
    );
    const worst = found[0];
    if (!worst) return ok('No setting endangers the data', { dangerous: 0 });
    const rest = found.slice(1).map(({ name, value }) => `${name} is ${value}`);
    const right = worst.value === 'off' ? 'on' : 'off';
    const problem = {
      message: `${worst.name} is ${worst.value}: ${worst.why}${rest.length > 0 ? `; also ${listed(rest)}` : ''}`,
      evidence: { dangerous: found.length, settings: found.map(({ name, value }) => `${name} = ${value}`).join(', ') },
      advice: `Run ALTER SYSTEM SET ${worst.name} = ${right}; SELECT pg_reload_conf();`,
    };
    return found.some(({ severity }) => severity === 'critical')
      ? critical(problem)
      : warning(found.length / 2, problem);
  },
};

function describe(severity: Danger['severity']): string {
  const named = dangers.filter((danger) => danger.severity === severity && !danger.name.startsWith('enable_'));
  const texts = named.map(({ name, value }) => `\`${name}\` ${value}`);
  return [...texts, ...(severity === 'warning' ? ['planner methods (`enable_…`) off'] : [])].join(', ');
}

export const pendingRestart: CheckDefinition = {
  id: 'pending-restart',
  title: 'Pending restart',
  weight: 2,
  cap: null,
  thresholds: 'warning when a changed setting waits for a restart',
  source: '`pg_settings`: `pending_restart`',
  collector: 'slow',
  judge(input) {
    const { settings } = input;
    if (!settings) return notRead(input, 'The settings', ['settings']);
    const names = settings.filter((setting) => setting.pendingRestart).map(({ name }) => name);
    if (names.length === 0) return ok('No changed setting waits for a restart', { pending: 0 });
    return warning(1, {
      message: `${counted(names.length, 'changed setting')} (${listed(names)}) ${names.length === 1 ? 'waits' : 'wait'} for a restart`,
      evidence: { pending: names.length, settings: names.join(', ') },
      advice:
        'Restart the server at a quiet time, or undo the change, so that it does not come as a surprise after a crash.',
    });
  },
};
