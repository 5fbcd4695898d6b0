import { bytes } from '../../../../words/index.ts';
import { machineUnknown, type SettingRule, settingsCheck } from './rule.ts';

/** Less fits in any machine's memory. */
const leastData = 1024 ** 3;

const ioMethod: SettingRule = {
  setting: 'io_method',
  judge({ settings, machine, dataBytes }) {
    if (settings.text('io_method') !== 'sync') return undefined;
    if (dataBytes < leastData) return undefined;
    if (machine === null) return { untold: machineUnknown };
    if (dataBytes < machine.memoryBytes) return undefined;
    return {
      severity: 'info',
      title: `io_method is sync, and the data (${bytes(dataBytes)}) is larger than the memory`,
      explanation: 'Sequential and bitmap scans and VACUUM wait for each read in turn. Workers read ahead of them.',
      evidence: [{ label: 'Data of this database', value: dataBytes, unit: 'bytes' }],
      change: { value: 'worker', risk: 'low', riskDetail: 'Some processes more (io_workers).' },
    };
  },
};

const ioWorkers: SettingRule = {
  setting: 'io_workers',
  judge({ settings, machine, dataBytes }) {
    const workers = settings.number('io_workers');
    if (workers === undefined || workers > 3 || settings.text('io_method') !== 'worker') return undefined;
    if (dataBytes < leastData) return undefined;
    if (machine === null) return { untold: machineUnknown };
    if (dataBytes < machine.memoryBytes || machine.cpus < 16) return undefined;
    return {
      severity: 'info',
      title: `${workers} I/O workers serve ${machine.cpus} CPUs`,
      explanation:
        'They do the reads of all sessions, and the data is larger than the memory. About a quarter of the CPUs is a usual number.',
      evidence: [{ label: 'Data of this database', value: dataBytes, unit: 'bytes' }],
      change: {
        value: String(Math.min(32, Math.floor(machine.cpus / 4))),
        risk: 'low',
        riskDetail: 'So many processes more.',
      },
    };
  },
};

/** Reading from disk (PostgreSQL 18 and newer). */
export const ioSettings = settingsCheck(
  {
    id: 'io-settings',
    title: 'Asynchronous I/O',
    fine: 'Nothing about I/O stands in the way',
    documentation:
      'PostgreSQL 18 and newer, where the data is larger than the memory: `io_method` sync; and three `io_workers` or fewer on a machine of 16 CPUs or ' +
      'more (proposed: a quarter of the CPUs). Cannot tell without knowing the machine. Source: PostgreSQL documentation, "Resource Consumption".',
  },
  [ioMethod, ioWorkers],
);
