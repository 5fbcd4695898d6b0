/** Of a flag that can be repeated: all of its values. */
export function collect(text: string, before: string[]): string[] {
  return [...before, text];
}
