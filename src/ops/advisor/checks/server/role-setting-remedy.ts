import { quoteIdentifier, type RoleSettingRow } from '../../../../engine/postgres/index.ts';
import type { Remedy } from '../../types.ts';

export interface RoleSettingChange {
  role: string;
  name: string;
  value: string;
}

/** Sets a setting for new sessions of a role, in all databases, and back to what the role had before. */
export function roleSettingRemedy(
  known: readonly RoleSettingRow[],
  { role, name, value }: RoleSettingChange,
): Pick<Remedy, 'kind' | 'fix' | 'undo'> {
  const before = known.find((each) => each.role === role && each.database === null && each.name === name);
  const alter = `ALTER ROLE ${quoteIdentifier(role)}`;
  const set = (text: string): string => `${alter} SET ${name} = '${text.replaceAll("'", "''")}'`;
  return { kind: 'setting', fix: [set(value)], undo: [before ? set(before.value) : `${alter} RESET ${name}`] };
}
