import { Command } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { Storage, StoredKey } from '../../ops/backup/index.ts';
import { print, printJson } from '../output.ts';
import { renderTable } from '../screen/table.ts';
import { openAllByFlags, type RepositoryFlags, withRepository } from './repository.ts';
import { placesOf } from './server-settings.ts';

/** The keys that repositories know. What is done is done to all that are meant: those of the config file, or that of `--repository`. */
export function keyCommand(): Command {
  return new Command('key')
    .description(
      'Keys that a repository knows: for whom it stores what is stored from now on, and which a passphrase opens.',
    )
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(rotateCommand())
    .addCommand(passphraseCommand());
}

function listCommand(): Command {
  const command = new Command('list').description('The public keys, and which a passphrase opens.');
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<RepositoryFlags & { json?: boolean }>();
      const { storedKeys } = await import('../../ops/backup/index.ts');
      const found: { repository: string; keys: StoredKey[] }[] = [];
      for (const { storage } of await keyPlaces(flags)) {
        found.push({ repository: storage.name, keys: await storedKeys(storage) });
      }
      if (flags.json) printJson({ repositories: found });
      else print(found.flatMap(({ repository, keys }) => keyLines(repository, keys)).join('\n'));
    });
}

function addCommand(): Command {
  const command = new Command('add')
    .description(
      'Store for these public keys as well, from now on; without any, for a new key that the passphrase opens.',
    )
    .argument('[age1…...]', 'public keys');
  return withRepository(command).action(async (recipients: string[]) => {
    const { addKeys, makeKey } = await import('../../ops/backup/index.ts');
    for (const { storage, passphrase } of await keyPlaces(command.opts<RepositoryFlags>())) {
      if (recipients.length > 0) await addKeys(storage, recipients);
      const added = recipients.length > 0 ? recipients : [(await makeKey(storage, required(passphrase))).recipient];
      print(`${storage.name}: what is stored from now on can be read with ${added.join(', ')}.`);
    }
  });
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('Store nothing for a public key any more. What was stored before can still be read with it.')
    .argument('<age1…>', 'the public key');
  return withRepository(command)
    .option('--yes', 'even the last: what is stored from then on is not encrypted')
    .action(async (recipient: string) => {
      const { removeKey } = await import('../../ops/backup/index.ts');
      const flags = command.opts<RepositoryFlags & { yes?: boolean }>();
      for (const { storage } of await keyPlaces(flags)) {
        await removeKey(storage, recipient, { evenLast: flags.yes ?? false });
        print(`${storage.name}: what is stored from now on cannot be read with it; what was stored before still can.`);
      }
    });
}

function rotateCommand(): Command {
  const command = new Command('rotate').description(
    'Make a new key that the passphrase opens, and store nothing for the one before any more. That stays, for what was stored until now.',
  );
  return withRepository(command).action(async () => {
    const { rotateKey } = await import('../../ops/backup/index.ts');
    for (const { storage, passphrase } of await keyPlaces(command.opts<RepositoryFlags>())) {
      const recipient = await rotateKey(storage, required(passphrase));
      print(`${storage.name}: what is stored from now on can be read with ${recipient}.`);
    }
  });
}

function passphraseCommand(): Command {
  const command = new Command('passphrase').description(
    'Have another passphrase open the keys. Backups are not touched. Whoever has kept a copy of a key file still opens that with the old one.',
  );
  return withRepository(command)
    .requiredOption('--new-passphrase-file <file>', 'the other passphrase, in its first line')
    .action(async () => {
      const { changePassphrase, readPassphrase } = await import('../../ops/backup/index.ts');
      const flags = command.opts<RepositoryFlags & { newPassphraseFile: string }>();
      const next = await readPassphrase(flags.newPassphraseFile);
      for (const { storage, passphrase } of await keyPlaces(flags)) {
        const count = await changePassphrase(storage, required(passphrase), next);
        print(`${storage.name}: the new passphrase opens ${count === 1 ? 'its key' : `its ${count} keys`}.`);
      }
    });
}

interface KeyPlace {
  storage: Storage;
  passphrase: string | undefined;
}

async function keyPlaces(flags: RepositoryFlags): Promise<KeyPlace[]> {
  const { readPassphrase } = await import('../../ops/backup/index.ts');
  const { repositories: settings } = await placesOf(flags);
  const opened = await openAllByFlags(flags);
  return Promise.all(
    opened.map(async ({ storage }, place) => {
      const file = settings[place]?.passphraseFile;
      return { storage, passphrase: file === undefined ? undefined : await readPassphrase(file) };
    }),
  );
}

function required(passphrase: string | undefined): string {
  if (passphrase !== undefined) return passphrase;
  throw new PitcrewError('E_USAGE', 'no passphrase is given', {
    hint: 'Give --passphrase-file, or name the file in the config file.',
  });
}

function keyLines(repository: string, keys: readonly StoredKey[]): string[] {
  if (keys.length === 0) return [`${repository} knows no keys.`];
  const rows = keys.map(({ recipient, isUsed, isSealed }) => [
    recipient,
    isUsed ? 'from now on' : 'until now',
    isSealed ? 'yes' : 'no',
  ]);
  return [
    repository,
    ...renderTable([{ title: 'Key' }, { title: 'Stored for it' }, { title: 'Opened by passphrase' }], rows),
  ];
}
