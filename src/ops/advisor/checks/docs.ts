import type { Check } from '../types.ts';
import { objectChecks } from './objects/index.ts';
import { serverChecks } from './server/index.ts';

const introduction = `
# Checks

The advisor looks at the catalog and the statistics of a database and answers, for each check below, one of three things:
what it **found**, with the figures that it rests on, that all is **fine**, or that it **could not tell**, with the reason and
with what would change that. It never guesses. Every check but that of the version cannot tell, and says so, where
a relation of the catalog that it needs is hidden from the role; where a check names no other reason, this is the only one.

Checks only read: in a read-only session, with statement and lock timeouts, and without waiting for the locks of others. What a
check advises comes with the statements that do it, those that undo it, and its risk. Where it says that Pitcrew may apply
something, it does so on request only. At most 1,000 findings of a check are listed, the gravest first; how many more there are is
told.

*Exact* answers read whole tables and indexes, or samples of them. They are given on request only, because that costs the server
time.

This page is made from the checks themselves.
`;

/** `docs/checks.md`, made from the checks so that it cannot be out of date. */
export function checksDocs(): string {
  const chapters = [
    chapter('Indexes, tables, columns and sequences', objectChecks),
    chapter('The server and how it is used', serverChecks),
  ];
  return `${[introduction.trim(), ...chapters].join('\n\n')}\n`;
}

function chapter(title: string, checks: readonly Check[]): string {
  const sections = checks.map((check) => `### ${check.title} (\`${check.id}\`)\n\n${unindented(check.documentation)}`);
  return [`## ${title}`, ...sections].join('\n\n');
}

/** Lines of a template literal without the spaces before them. */
function unindented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
}
