import { z } from 'zod';
import { duration } from './duration.ts';
import { decimal, flag, hours, size, someOf, wholeNumber } from './values.ts';

/** What may be applied without being asked for: what can be undone, or does nothing that has to be. */
const automatic = ['create-index', 'drop-index', 'reindex', 'analyze', 'vacuum', 'statistics'] as const;

/** The section `advisor`. */
export const advisor = z
  .strictObject({
    enabled: flag.default(true).meta({ description: 'Look for advice from time to time. Reading only.' }),
    checkInterval: duration('1h', { min: '1s', max: '30d' }).meta({
      description: 'How often all checks are run.',
    }),
    indexInterval: duration('24h', { min: '1m', max: '90d' }).meta({
      description: 'How often indexes are chosen for the whole workload.',
    }),
    budget: size.optional().meta({
      description: 'Bytes of disk that advised indexes may take together. No bound by default.',
    }),
    backend: z.enum(['twin', 'hypopg']).default('twin').meta({
      description: 'Where plans under other indexes come from: a twin of the database, or the extension HypoPG there.',
    }),
    measure: z
      .strictObject({
        window: duration('24h', { min: '10s', max: '30d' }).meta({
          description: 'How much time before a change is compared with the time after it.',
        }),
        minCalls: wholeNumber(2, 1_000_000).default(50).meta({
          description: 'Calls of a statement, before and after each, below which nothing is said of it.',
        }),
        worse: decimal(0.01, 10).default(0.1).meta({
          description: 'A change that makes the statements concerned slower by more than this share is undone.',
        }),
      })
      .prefault({}),
    auto: z
      .strictObject({
        enabled: flag.default(false).meta({
          description: 'Apply advice without being asked, within the bounds that follow.',
          flag: 'auto',
        }),
        kinds: someOf(automatic)
          .default(['create-index', 'analyze'])
          .meta({ description: 'What may be done; a list, or separated by commas.' }),
        hours: hours.optional().meta({
          description:
            "Only at these hours, in the daemon's time zone, such as `22:00-05:00`. At all hours by default.",
        }),
        maxBytesTotal: size.default(10 * 1024 ** 3).meta({
          description: 'Bytes that indexes made by it may take together, in 30 days.',
        }),
        maxPerDay: wholeNumber(1, 1000).default(4).meta({ description: 'Changes within 24 hours at most.' }),
      })
      .prefault({}),
    machine: z
      .strictObject({
        memory: size.optional().meta({
          description: "Memory of the watched server. Known by itself when the server is on the daemon's machine.",
        }),
        cpus: wholeNumber(1, 4096).optional().meta({ description: 'CPUs of it, likewise.' }),
        disk: z.enum(['ssd', 'rotating', 'unknown']).default('unknown').meta({ description: 'What its disks are.' }),
      })
      .prefault({}),
  })
  .prefault({});
