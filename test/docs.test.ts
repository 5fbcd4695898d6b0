import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createProgram } from '../src/cli/program.ts';

const root = join(import.meta.dirname, '..');
const pages = ['README.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: root })];

/** Fenced blocks of a language. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}

const commandLines = pages.flatMap((page) =>
  blocks(page, 'sh').flatMap((block) =>
    block
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => /(^|\s)pitcrew [a-z]/.test(line))
      .map((line) => ({ page, line })),
  ),
);

test('there are command lines in the docs', () => {
  expect(commandLines.length).toBeGreaterThan(10);
});

test.each(commandLines)('$page: "$line" names a command and flags that exist', async ({ line }) => {
  const words = line.replace(/^.*?\bpitcrew /, '').split(/\s+/);
  let command = await createProgram(words[0]);
  // Commands of commands, as deep as there are any.
  for (const name of words) {
    if (command.commands.length === 0) break;
    const found = command.commands.find((each) => each.name() === name);
    if (!found) throw new Error(`there is no command "${name}": ${line}`);
    command = found;
  }
  const known = command.options.map(({ long }) => long);
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''));
  expect(known).toEqual(expect.arrayContaining(flags));
});

test('links between the pages lead somewhere', () => {
  const links = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    return targets.map((target) => ({ page, target }));
  });
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter(({ page, target }) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});
