import { useId, useState } from 'preact/hooks';
import type { BackupList } from '../../../src/server/api/backups.ts';
import { CodeBlock } from '../components/code.tsx';
import { Dialog } from '../components/dialog.tsx';
import { StatusBadge } from '../components/status.tsx';
import { bytes, textOf } from '../format/quantity.ts';
import { inputMoment, moment, rangeText, utc } from '../format/time.ts';
import { chainOf, type Found, restoreCommand, sourceOf } from './restore-command.ts';

/** What opens what is encrypted. */
const keyFlags = ['--identity', '--passphrase-file'];

type Until = 'latest' | 'moment';

/** Leads to the command that restores a moment. It changes nothing by itself. */
export function RestoreDialog({ answer, onClose }: { answer: BackupList; onClose: () => void }) {
  const { windows, backups, repositories, database } = answer;
  const last = windows.at(-1);
  const [until, setUntil] = useState<Until>('latest');
  const [text, setText] = useState(() => inputSeconds(Date.parse(last?.to.at ?? '') || Date.now()));
  const [to, setTo] = useState(`/var/lib/postgresql/${database.replaceAll(/[^\w-]/g, '-')}-restored`);
  const name = useId();
  const at = Date.parse(text);
  const [latest] = backups;
  const found: Found | undefined = until === 'moment' && Number.isFinite(at) ? sourceOf(answer, at) : undefined;
  const backup = until === 'latest' ? latest : found?.state === 'found' ? found.backup : undefined;
  const [repository] = repositories;
  return (
    <Dialog
      title={`Restore ${database}`}
      onClose={onClose}
      actions={
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <p class="small muted">
        Nothing is done from here. What is chosen becomes a command for the machine where the restored server is to be;
        the server that is backed up stays as it is.
      </p>
      <fieldset class="restore-until">
        <legend class="small">To</legend>
        <label class="check">
          <input type="radio" name={name} checked={until === 'latest'} onChange={() => setUntil('latest')} />
          the latest moment{last && `, about ${moment(Date.parse(last.to.at))}`}
        </label>
        <label class="check">
          <input type="radio" name={name} checked={until === 'moment'} onChange={() => setUntil('moment')} />
          a moment of the past
        </label>
        {until === 'moment' && (
          <div class="restore-moment">
            <label class="labelled">
              Moment, in this browser’s time zone
              <input
                class="field"
                type="datetime-local"
                step="1"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            </label>
            <p class="small muted">{Number.isFinite(at) ? utc(at) : 'Give a date and a time.'}</p>
          </div>
        )}
      </fieldset>
      <label class="labelled">
        Into this folder, which is missing or empty
        <input
          class="field"
          type="text"
          required
          spellcheck={false}
          autocomplete="off"
          value={to}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      {found?.state === 'none' && <Unreachable found={found} />}
      {backup && repository && to.trim() !== '' && (
        <>
          <Source backups={backups} id={backup.id} />
          <CodeBlock
            label="The command that restores it"
            wrap
            text={restoreCommand({
              backup: backup.id,
              flags: repository.flags,
              to: to.trim(),
              at: until === 'moment' ? at : undefined,
            })}
          />
          {repository.encrypted && !repository.flags.some((flag) => keyFlags.includes(flag)) && (
            <p class="small">
              <StatusBadge tone="warning">Key</StatusBadge> What is stored is encrypted: add{' '}
              <code>--identity FILE</code> with the secret key.
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}

function Unreachable({ found: { before, after } }: { found: Extract<Found, { state: 'none' }> }) {
  const near = [before, after].flatMap((window) =>
    window ? [rangeText(Date.parse(window.from.at), Date.parse(window.to.at))] : [],
  );
  return (
    <p role="status">
      <StatusBadge tone="critical">Cannot be reached</StatusBadge> No backup and log lead to that moment. What can be
      restored nearest: {near.join(' and ')}.
    </p>
  );
}

function Source({ backups, id }: { backups: BackupList['backups']; id: string }) {
  const chain = chainOf(backups, id);
  const sum = chain.reduce((total, { storedBytes }) => total + storedBytes, 0);
  return (
    <p class="small muted" role="status">
      From <span class="mono">{id}</span>
      {chain.length > 1 && `, which builds on ${chain.length - 1} more`}: {textOf(bytes(sum))} are read, and the log
      since then.
    </p>
  );
}

/** For `<input type="datetime-local" step="1">`. */
function inputSeconds(ms: number): string {
  return `${inputMoment(ms)}:${String(new Date(ms).getSeconds()).padStart(2, '0')}`;
}
