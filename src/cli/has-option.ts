import type { Command } from 'commander';

/** Whether a command has an option of that long name already. */
export function hasOption(command: Command, long: string): boolean {
  return command.options.some((option) => option.long === long);
}
