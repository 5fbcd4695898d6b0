import { machineUnknown, type SettingRule, settingsCheck } from './rule.ts';

const gigabyte = 1024 ** 3;
/** What fits in memory is read from it whatever the planner believes of the disk. */
const leastData = 10 * gigabyte;

const randomPageCost: SettingRule = {
  setting: 'random_page_cost',
  judge({ settings, machine, dataBytes }) {
    const random = settings.number('random_page_cost') ?? 0;
    const sequential = settings.number('seq_page_cost') ?? 1;
    if (random / sequential < 2 || dataBytes < leastData) return undefined;
    if (machine === null || machine.disk === 'unknown') return { untold: machineUnknown };
    if (machine.disk !== 'ssd') return undefined;
    return {
      severity: 'warning',
      title: `random_page_cost is ${random}, made for disks that rotate`,
      explanation:
        'On solid-state disks reading here and there costs little more than reading in order. The planner does not know, and reads whole ' +
        'tables where an index would be quicker.',
      evidence: [
        { label: 'Disk', value: machine.disk },
        { label: 'Data of this database', value: dataBytes, unit: 'bytes' },
      ],
      change: {
        value: '1.1',
        risk: 'medium',
        riskDetail: 'Plans change, most of them for the better; measure the statements that matter.',
      },
    };
  },
};

const ioConcurrency: SettingRule = {
  setting: 'effective_io_concurrency',
  judge({ settings, machine, dataBytes, versionNumber }) {
    const value = settings.number('effective_io_concurrency');
    // From 18 on the default is 16, and reads are asynchronous.
    if (value === undefined || value > 1 || dataBytes < leastData || versionNumber >= 180_000) return undefined;
    if (machine === null || machine.disk === 'unknown') return { untold: machineUnknown };
    if (machine.disk !== 'ssd' || dataBytes < machine.memoryBytes) return undefined;
    return {
      severity: 'info',
      title: `effective_io_concurrency is ${value}, on a disk that serves many reads at once`,
      explanation:
        'Bitmap scans ask for so many pages ahead of time. Solid-state disks serve hundreds of reads at once.',
      evidence: [
        { label: 'Disk', value: machine.disk },
        { label: 'Data of this database', value: dataBytes, unit: 'bytes' },
      ],
      change: { value: '200', risk: 'low', riskDetail: 'More reads at once leave less of the disk to others.' },
    };
  },
};

const statisticsTarget: SettingRule = {
  setting: 'default_statistics_target',
  judge({ settings }) {
    const value = settings.number('default_statistics_target') ?? 100;
    if (value >= 50 && value <= 1000) return undefined;
    return {
      severity: 'info',
      title: `default_statistics_target is ${value}`,
      explanation:
        value < 50
          ? 'The planner knows little of how values are spread, and misjudges how many rows conditions leave.'
          : 'ANALYZE reads, and every planning looks through, far more than most columns need. Raise it for single columns instead (ALTER TABLE … SET STATISTICS).',
      evidence: [],
      change: { value: '100', risk: 'low', riskDetail: 'It takes effect with the next ANALYZE of each table.' },
    };
  },
};

const methods = [
  'enable_bitmapscan',
  'enable_hashagg',
  'enable_hashjoin',
  'enable_indexonlyscan',
  'enable_indexscan',
  'enable_material',
  'enable_mergejoin',
  'enable_nestloop',
  'enable_seqscan',
  'enable_sort',
];

function enabled(setting: string): SettingRule {
  return {
    setting,
    judge({ settings }) {
      if (!settings.isOff(setting)) return undefined;
      return {
        severity: 'warning',
        title: `${setting} is off for the whole server`,
        explanation: 'The planner may not use this method for any statement, also not where it is the best by far.',
        evidence: [{ label: 'Set by', value: settings.row(setting)?.source ?? null }],
        change: {
          value: 'on',
          risk: 'medium',
          riskDetail: 'Plans change. For a statement that needs it, SET LOCAL it in its transaction.',
        },
      };
    },
  };
}

/** Planner settings against the disk and the data. */
export const plannerSettings = settingsCheck(
  {
    id: 'planner-settings',
    title: 'Planner settings',
    fine: 'The planner settings suit the machine and the data',
    documentation:
      'Where the disk is known: `random_page_cost` of twice `seq_page_cost` or more on solid-state disks, with 10 GB of ' +
      'data or more (PostgreSQL documentation, "Query Planning": storage with low random read cost, such as solid-state drives, may be modelled with 1.1); ' +
      '`effective_io_concurrency` of 1 or 0 before PostgreSQL 18 on such a disk when the data is larger than the memory. Anywhere: ' +
      '`default_statistics_target` below 50 or above 1000, and planner methods (`enable_…`) that are off for the whole server.',
  },
  [randomPageCost, ioConcurrency, statisticsTarget, ...methods.map(enabled)],
);
