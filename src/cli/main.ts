#!/usr/bin/env node
// The entry of the command. It stays plain and small: on a Node that is too old it must still be able to say so.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`pitcrew needs Node 22.18 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const argv = process.argv.slice(2);
  if (!(await isServedAtOnce(argv))) {
    const { runCommand } = await import('./program.ts');
    process.exitCode = await runCommand(argv);
  }
}

/** PostgreSQL runs this for each segment of the log that it recovers with: one that is laid out already takes no more than Node. */
async function isServedAtOnce(argv: string[]): Promise<boolean> {
  if (argv[0] !== 'backup' || argv[1] !== 'fetch-wal') return false;
  const { takeLaidOut, wantedSegment } = await import('./backup/fetch/spool.ts');
  const wanted = wantedSegment(argv);
  return wanted !== undefined && takeLaidOut(wanted);
}
