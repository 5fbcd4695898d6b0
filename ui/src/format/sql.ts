/** A statement on one line: white space folded, comments that lead it left out, cut where nobody reads on. */
export function oneLine(text: string | null, length = 400): string {
  if (text === null) return 'Text not readable for Pitcrew’s role';
  const line = text
    .slice(0, length * 4)
    .replace(/^(\s*(\/\*[\s\S]*?\*\/|--[^\n]*\n))+/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
