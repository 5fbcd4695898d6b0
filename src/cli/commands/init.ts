import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Setting, settings } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';
import { print, printJson } from '../output.ts';

interface InitOptions {
  file: string;
  force?: boolean;
  json?: boolean;
}

export function initCommand(): Command {
  return new Command('init')
    .description('Write a commented config file.')
    .option('--file <file>', 'where to write it', 'pitcrew.config.ts')
    .option('--force', 'overwrite an existing file')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: InitOptions) => {
      const file = resolve(options.file);
      if (existsSync(file) && !options.force) {
        throw new PitcrewError('E_UNSAFE', 'the config file exists already', {
          detail: file,
          hint: 'Use --force to overwrite it.',
        });
      }
      await writeFile(file, configTemplate());
      if (options.json) printJson({ file });
      else print(`Wrote ${file}. Name your databases in it, then run "pitcrew doctor".`);
    });
}

/** A config file in which every setting stands, commented out, with its description and default. */
function configTemplate(): string {
  const lines = [
    "import { defineConfig } from 'pitcrew/config';",
    '',
    '// Every setting with its default. Each can also be given as the environment variable or flag named beside it.',
    'export default defineConfig({',
    '  // The databases to watch, by a name of your choice. Keep passwords out of this file:',
    "  // 'postgres://pitcrew@db.internal/shop' reads the password from PGPASSWORD or ~/.pgpass.",
    '  databases: {',
    "    // shop: process.env.SHOP_DATABASE_URL ?? 'postgres://pitcrew@localhost/shop',",
    '  },',
    ...templateLines(
      // What has a name of one's own in its path is shown by an example.
      settings.filter(({ path }) => path[0] !== 'databases' && !path.some((part) => part.startsWith('<'))),
      0,
    ),
    '',
    '  // Backups of servers, each by the name of one of the databases: docs/backup-service.md.',
    '  backups: {',
    '    // shop: {',
    "    //   repositories: [{ location: '/var/backups/shop' }],",
    "    //   full: '0 2 * * *',",
    '    //   stream: true,',
    '    // },',
    '  },',
    '});',
    '',
  ];
  return lines.join('\n');
}

function templateLines(group: Setting[], depth: number): string[] {
  const indent = '  '.repeat(depth + 1);
  const keys = [...new Set(group.map(({ path }) => path[depth] ?? ''))];
  return keys.flatMap((key) => {
    const members = group.filter(({ path }) => path[depth] === key);
    const [only] = members;
    if (only && only.path.length === depth + 1) {
      const names = [only.env, only.flag === undefined ? undefined : `--${only.flag}`].filter(Boolean).join(', ');
      return [
        '',
        `${indent}// ${only.description}`,
        `${indent}// ${names}`,
        `${indent}// ${key}: ${sampleValue(only)},`,
      ];
    }
    return ['', `${indent}${key}: {`, ...templateLines(members, depth + 1), `${indent}},`];
  });
}

function sampleValue(setting: Setting): string {
  const value = setting.default;
  if (value === undefined) return setting.kind === 'URL' ? "'postgres://…'" : '…';
  return setting.kind.startsWith('number') || setting.kind === 'true or false' ? value : `'${value}'`;
}
