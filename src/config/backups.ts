import { z } from 'zod';
import { cron, timeZone } from './cron.ts';
import { duration, optionalDuration } from './duration.ts';
import { flag, keptLog, postgresUrl, size, wholeNumber } from './values.ts';

const recipient = z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, {
  message: 'a public key of age ("age1…") is allowed',
});

/** A place where backups are kept. */
const repository = z.strictObject({
  location: z.string().min(1).meta({
    description: 'A folder, or `s3://bucket/prefix`. It is of one server alone.',
  }),
  recipients: z.array(recipient).default([]).meta({
    description:
      'Public keys of age; what is stored can be read with the secret key of any of them. None: not encrypted.',
    kind: 'list of age1…',
  }),
  identityFile: z.string().min(1).optional().meta({
    description:
      'File with secret keys of age: needed to restore, to prove backups by restoring them, and to check the log. Not needed to make backups.',
  }),
  passphraseFile: z.string().min(1).optional().meta({
    description:
      'File with a passphrase, instead of keys: the repository then has a key of its own, which the passphrase opens.',
  }),
  s3: z
    .strictObject({
      endpoint: z.url().optional().meta({ description: "Of a service other than Amazon's.", kind: 'URL' }),
      region: z.string().min(1).default('us-east-1').meta({ description: 'Its region.' }),
      pathStyle: flag
        .default(false)
        .meta({ description: 'The bucket stands in the path, not in the name of the host.' }),
      accessKeyId: z.string().min(1).optional().meta({
        description: "Without it: the environment, the files and the roles that Amazon's own tools know.",
      }),
      secretAccessKey: z.string().min(1).optional().meta({ description: 'Belongs to it.', secret: true }),
    })
    .prefault({}),
});

/** Where backups are kept, with defaults filled in. */
export type RepositorySettings = z.output<typeof repository>;

/** The section `backups`: for each server that is backed up, by the name of one of its databases. */
const serverBackups = z.strictObject({
  url: postgresUrl.optional().meta({
    description: 'A role with REPLICATION. By default the one that watches the database.',
    kind: 'URL',
    secret: true,
  }),
  repositories: z
    .array(repository)
    .min(1)
    .meta({ description: 'Where backups are kept: they are made in the first, and copied to the others.' }),
  full: cron.optional().meta({ description: 'When a full backup is made. Without it: by hand only.' }),
  incremental: cron.optional().meta({ description: 'When what has changed since is backed up.' }),
  timeZone: timeZone.default('UTC').meta({ description: 'For the times here, and in which days of `keep` begin.' }),
  stream: flag.default(false).meta({
    description:
      'Receive the log all the time, so that any second can be restored. Takes a replication slot on the server, which keeps its log while it is not received.',
  }),
  maxRetained: size.default(64 * 1024 ** 3).meta({
    description:
      'So much log the server keeps for a repository that cannot be reached. Beyond it the log is let go, and lacks there: name what the disk of the server can spare.',
  }),
  keep: z
    .strictObject({
      last: wholeNumber(1, 10_000).default(1).meta({ description: 'Backups that are kept in any case: the latest.' }),
      daily: wholeNumber(0, 10_000).default(7).meta({ description: 'Days of which the latest backup is kept.' }),
      weekly: wholeNumber(0, 10_000).default(4).meta({ description: 'Weeks, likewise.' }),
      monthly: wholeNumber(0, 10_000).default(12).meta({ description: 'Months, likewise.' }),
      yearly: wholeNumber(0, 10_000).default(5).meta({ description: 'Years, likewise.' }),
      maxAge: optionalDuration('10y', { min: '1d' }).meta({
        description: 'Older ones go, whatever the calendar says. No bound by default.',
      }),
      maxBytes: size.optional().meta({
        description: 'Bytes that backups and log may take in each repository. No bound by default.',
      }),
      log: keptLog.meta({
        description:
          'Where the log between backups stays, by which any moment can be restored: of all that are kept, of the last so many, or of the last so much time.',
      }),
    })
    .prefault({}),
  drill: z.enum(['after-full', 'never']).default('after-full').meta({
    description: 'Whether each full backup is restored on the machine of the daemon, to prove it.',
  }),
  drillDir: z.string().min(1).optional().meta({
    description: 'Where to; needs room for the whole server. By default in `dataDir`.',
  }),
  drillChecks: z.array(z.string().min(1)).default([]).meta({
    description: 'Own statements for the restored server, such as `SELECT count(*) > 0 FROM orders`.',
    kind: 'list of SQL',
  }),
  verify: cron.optional().meta({ description: 'When what is stored is read and compared with its checksums.' }),
  checkpoint: z.enum(['fast', 'spread']).default('spread').meta({
    description: 'Whether a backup begins with a burst of writes, or as gently as the server does its own checkpoints.',
  }),
  compressAt: z.enum(['client', 'server']).default('client').meta({
    description:
      'Where backups are compressed: here, or on the server, which then sends less and works more. It needs a server that was built with zstd.',
  }),
  maxRate: size.optional().meta({ description: 'So much is read of the server in a second at most.' }),
  maxBackupAge: duration('26h', { min: '1m' }).meta({
    description: 'A latest backup that is older is told as a finding.',
  }),
  maxLogLag: duration('10m', { min: '10s' }).meta({
    description: 'Log that has not been stored for longer is told as a finding, where it is streamed.',
  }),
});

/** How one server is backed up, with defaults filled in. */
export type BackupSettings = z.output<typeof serverBackups>;

/** A section that a program writes, with its defaults. @throws {ZodError} for what the definition refuses */
export function backupSettings(section: z.input<typeof serverBackups>): BackupSettings {
  return serverBackups.parse(section);
}

export const backups = z
  .record(z.string(), serverBackups)
  .default({})
  .meta({ description: 'Backups of servers, each by the name of one of its `databases`.', keyName: 'database' });
