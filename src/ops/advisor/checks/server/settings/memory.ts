import { bytes, count, percent } from '../../../../words/index.ts';
import type { Check } from '../../../types.ts';
import { asSize } from '../server-settings.ts';
import type { Facts } from './facts.ts';
import { machineUnknown, type SettingAdvice, type SettingRule, settingsCheck } from './rule.ts';

const megabyte = 1024 ** 2;
const gigabyte = 1024 ** 3;

export interface MemoryLimits {
  /** Smaller shared_buffers need page tables too small to speak of. */
  hugePagesFromBytes: number;
}

const defaults: MemoryLimits = { hugePagesFromBytes: 8 * gigabyte };

/** In steps that a person would choose. */
function rounded(size: number): number {
  const step = size >= gigabyte ? 256 * megabyte : 16 * megabyte;
  return Math.max(step, Math.floor(size / step) * step);
}

function memoryEvidence(facts: Facts) {
  return [
    { label: 'Memory of the machine', value: facts.machine?.memoryBytes ?? null, unit: 'bytes' as const },
    { label: 'Data of this database', value: facts.dataBytes, unit: 'bytes' as const },
    ...(facts.hitRatio === undefined
      ? []
      : [{ label: 'Found in shared_buffers', value: facts.hitRatio, unit: 'ratio' as const }]),
  ];
}

/** With the memory and the setting, or that the machine is unknown; nothing where the setting is hidden. */
function withMemory(
  facts: Facts,
  setting: string,
  judge: (memory: number, value: number) => SettingAdvice | undefined,
): ReturnType<SettingRule['judge']> {
  const value = facts.settings.bytes(setting);
  if (value === undefined) return { untold: { reason: `${setting} is hidden from this role`, fix: null } };
  return facts.machine ? judge(facts.machine.memoryBytes, value) : { untold: machineUnknown };
}

const sharedBuffers: SettingRule = {
  setting: 'shared_buffers',
  judge: (facts) =>
    withMemory(facts, 'shared_buffers', (memory, value) => {
      const proposal = rounded(memory / 4);
      if (value > memory * 0.5) {
        return {
          severity: 'warning',
          title: `shared_buffers takes ${percent(value / memory)} of the memory`,
          explanation:
            'Beyond 40 % of the memory it rarely helps: PostgreSQL reads through the operating system’s cache, which needs room too.',
          evidence: memoryEvidence(facts),
          change: { value: asSize(proposal), risk: 'medium', riskDetail: 'The cache is empty after the restart.' },
        };
      }
      // Small data is cached whatever the setting, and a cache in which everything is found needs no more room.
      if (value >= memory * 0.15 || facts.dataBytes <= value || (facts.hitRatio ?? 1) >= 0.99) return undefined;
      return {
        severity: 'warning',
        title: `shared_buffers is ${percent(value / memory)} of the memory, and ${percent(facts.hitRatio ?? 0)} of blocks are found in it`,
        explanation:
          'A quarter of the memory is a reasonable value for a server of its own, and the data is larger than the cache is now.',
        evidence: memoryEvidence(facts),
        change: { value: asSize(proposal), risk: 'medium', riskDetail: 'The cache is empty after the restart.' },
      };
    }),
};

const effectiveCacheSize: SettingRule = {
  setting: 'effective_cache_size',
  judge: (facts) =>
    withMemory(facts, 'effective_cache_size', (memory, value) => {
      const tooSmall = value < memory * 0.4 && facts.dataBytes > value;
      const tooLarge = value > memory && facts.dataBytes > memory;
      if (!tooSmall && !tooLarge) return undefined;
      return {
        severity: 'info',
        title: `effective_cache_size is ${percent(value / memory)} of the memory`,
        explanation: tooSmall
          ? 'The planner believes that less of the data is cached than can be, and prefers sequential scans where an index would do.'
          : 'The planner believes that more of the data is cached than can be, and expects index scans to cost less than they do.',
        evidence: memoryEvidence(facts),
        change: {
          value: asSize(rounded(memory * 0.75)),
          risk: 'low',
          riskDetail:
            'It takes no memory, but plans may change; on a machine that is shared with other programs choose less.',
        },
      };
    }),
};

const workMem: SettingRule = {
  setting: 'work_mem',
  judge: (facts) =>
    withMemory(facts, 'work_mem', (memory, value) => {
      const hash = facts.settings.number('hash_mem_multiplier') ?? 1;
      const buffers = facts.settings.bytes('shared_buffers') ?? 0;
      const worst = facts.maxConnections * value * hash;
      const room = memory - buffers;
      if (facts.settings.row('work_mem')?.isDefault || worst <= 2 * room) return undefined;
      const proposal = Math.max(4 * megabyte, rounded(room / facts.maxConnections / hash));
      return {
        severity: worst > 4 * room ? 'warning' : 'info',
        title: `work_mem lets ${count(facts.maxConnections)} connections use ${bytes(worst)}, of ${bytes(room)} that there are`,
        explanation:
          'Every sort and hash of every session may use it. When many do at once, the machine runs out of memory, and the operating ' +
          'system ends a process: all sessions are lost. Give more to the roles that need it instead (ALTER ROLE … SET work_mem).',
        evidence: [
          ...memoryEvidence(facts),
          { label: 'max_connections × work_mem × hash_mem_multiplier', value: worst, unit: 'bytes' },
        ],
        change: {
          value: asSize(proposal),
          risk: 'medium',
          riskDetail: 'Sorts and hashes that need more go to temporary files.',
        },
      };
    }),
};

const maintenanceWorkMem: SettingRule = {
  setting: 'maintenance_work_mem',
  judge: (facts) =>
    withMemory(facts, 'maintenance_work_mem', (memory, value) => {
      // Workers use it too, unless they have a setting of their own.
      const own = (facts.settings.bytes('autovacuum_work_mem') ?? -1) >= 0;
      const workers = own ? 1 : (facts.settings.number('autovacuum_max_workers') ?? 3);
      const proposal = Math.min(rounded(memory / 16), gigabyte);
      const largest = facts.largestTable;
      if (!largest || largest.bytes < 20 * gigabyte || value >= 256 * megabyte || proposal < 2 * value)
        return undefined;
      if (proposal * workers > memory / 4) return undefined;
      return {
        severity: 'info',
        title: `maintenance_work_mem is ${bytes(value)}, for tables of up to ${bytes(largest.bytes)}`,
        explanation:
          'VACUUM remembers dead rows in it and passes over all indexes again when it is full, and index builds sort in it.',
        evidence: [
          ...memoryEvidence(facts),
          { label: 'Largest table', value: largest.name },
          { label: 'With all autovacuum workers', value: proposal * workers, unit: 'bytes' },
        ],
        change: {
          value: asSize(proposal),
          risk: 'low',
          riskDetail: 'Each autovacuum worker may use it too, unless autovacuum_work_mem says otherwise.',
        },
      };
    }),
};

const hugePages = ({ hugePagesFromBytes }: MemoryLimits): SettingRule => ({
  setting: 'huge_pages',
  judge: ({ settings, versionNumber }) => {
    const buffers = settings.bytes('shared_buffers') ?? 0;
    if (buffers < hugePagesFromBytes || settings.text('huge_pages_status') !== 'off') return undefined;
    return {
      severity: 'info',
      title: `shared_buffers (${bytes(buffers)}) is not in huge pages`,
      explanation:
        'With pages of 4 kB, every process needs page tables for all of shared_buffers. Huge pages spare that memory and time.',
      evidence: [{ label: 'Version', value: versionNumber }],
      change: {
        value: 'try',
        risk: 'medium',
        riskDetail:
          'The operating system must set huge pages aside first (vm.nr_hugepages, as many as shared_memory_size_in_huge_pages says).',
      },
    };
  },
});

/** Memory against the machine and the data. */
export function memorySettingsCheck(limits: MemoryLimits = defaults): Check {
  return settingsCheck(
    {
      id: 'memory-settings',
      title: 'Memory settings',
      fine: 'The memory settings suit the machine and the data',
      documentation:
        '`shared_buffers` below 15 % of the memory while the data is larger than it and less than 99 % of blocks are found in it: a quarter of ' +
        'the memory; above 50 %: too much (PostgreSQL documentation, "Resource Consumption": a quarter to start with, hardly ever more than 40 %). ' +
        '`effective_cache_size` below 40 % of the memory while the data is larger, or above the memory: three quarters (documentation, "Query ' +
        'Planning": shared buffers and what the operating system caches). `work_mem`, where it was changed, when max_connections × work_mem × ' +
        'hash_mem_multiplier is more than twice the memory less shared_buffers. `maintenance_work_mem` below 256 MB with tables of 20 GB or more: ' +
        'a sixteenth of the memory, at most 1 GB, and only when all autovacuum workers together stay below a quarter of it. `huge_pages` with ' +
        `${bytes(limits.hugePagesFromBytes)} of shared_buffers or more, when \`huge_pages_status\` (17 and newer) is off. Cannot tell without knowing the machine.`,
    },
    [sharedBuffers, effectiveCacheSize, workMem, maintenanceWorkMem, hugePages(limits)],
  );
}

export const memorySettings = memorySettingsCheck();
