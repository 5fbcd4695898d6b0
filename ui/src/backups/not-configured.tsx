import { Card } from '../components/card.tsx';
import { CodeBlock } from '../components/code.tsx';
import { Empty } from '../components/states.tsx';

/** What to write for backups to be made. */
export function NotConfigured({ database }: { database: string }) {
  const key = /^[a-z_$][\w$]*$/i.test(database) ? database : JSON.stringify(database);
  const example = `backups: {
  ${key}: {
    url: 'postgres://backup@db.example/postgres',   // a role with REPLICATION
    repositories: [{ location: '/var/backups/${database.replaceAll(/[^\w-]/g, '-')}', recipients: ['age1…'] }],
    full: '0 1 * * *',                // 01:00 every day
    incremental: '0 2-23 * * *',      // and what has changed, every hour
    stream: true,                     // the log, so that any second can be restored
  },
},`;
  return (
    <Card>
      <Empty title={`No backups of ${database} are made by Pitcrew`}>
        Add a section like this one to <code>pitcrew.config.ts</code> and start the daemon again. It needs nothing on
        the database’s host but a role that may replicate, and a line for it in <code>pg_hba.conf</code>.
      </Empty>
      <CodeBlock text={example} label="A section of the config file" />
    </Card>
  );
}
