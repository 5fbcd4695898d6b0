import { quoteIdentifier } from './identifiers.ts';

/** Who runs the server: decides how a setting is changed. */
export type Flavour =
  | 'postgresql'
  | 'aurora'
  | 'rds'
  | 'cloud-sql'
  | 'alloydb'
  | 'azure'
  | 'supabase'
  | 'neon'
  | 'citus'
  | 'timescale';

/** The statement that gives us a predefined role. */
export function grantRole(role: string, user: string): string {
  return `GRANT ${role} TO ${quoteIdentifier(user)}`;
}

/** How to change a setting of this server: ALTER SYSTEM, or where a managed service keeps its settings. */
export function changeSetting(flavour: Flavour, name: string, value: string, when: 'reload' | 'restart'): string {
  const place = places[flavour];
  if (place) return `set ${name} = ${value} ${place}${when === 'restart' ? ', then restart' : ''}`;
  const effect = when === 'restart' ? 'then restart the server' : 'SELECT pg_reload_conf()';
  return `ALTER SYSTEM SET ${name} = ${value}; ${effect}`;
}

/** Whether settings are changed by ALTER SYSTEM: managed services keep them elsewhere. */
export function takesAlterSystem(flavour: Flavour): boolean {
  return places[flavour] === undefined;
}

/** Managed services without ALTER SYSTEM, and where their settings are. */
const places: Partial<Record<Flavour, string>> = {
  aurora: 'in the DB cluster parameter group',
  rds: 'in the DB parameter group',
  'cloud-sql': 'as a database flag of the instance',
  alloydb: 'as a database flag of the instance',
  azure: 'under "Server parameters" of the server',
  supabase: 'with the Supabase CLI (supabase postgres-config update)',
  neon: 'by asking Neon support',
};

/** What marks each service, most particular first: a prefix of its settings, a role, a function or an extension. */
const signs: { flavour: Flavour; sign: string }[] = [
  { flavour: 'aurora', sign: 'function:aurora_version' },
  { flavour: 'rds', sign: 'setting:rds' },
  { flavour: 'rds', sign: 'role:rds_superuser' },
  { flavour: 'alloydb', sign: 'setting:alloydb' },
  { flavour: 'alloydb', sign: 'role:alloydbsuperuser' },
  { flavour: 'cloud-sql', sign: 'setting:cloudsql' },
  { flavour: 'cloud-sql', sign: 'role:cloudsqlsuperuser' },
  { flavour: 'azure', sign: 'setting:azure' },
  { flavour: 'azure', sign: 'role:azure_pg_admin' },
  { flavour: 'supabase', sign: 'role:supabase_admin' },
  { flavour: 'neon', sign: 'setting:neon' },
  { flavour: 'neon', sign: 'role:neon_superuser' },
  { flavour: 'citus', sign: 'extension:citus' },
  { flavour: 'timescale', sign: 'extension:timescaledb' },
];

/** Recognises a managed service or a well-known extension by what exists on the server. */
export function recogniseFlavour(found: readonly string[]): Flavour {
  return signs.find(({ sign }) => found.includes(sign))?.flavour ?? 'postgresql';
}

/** Names to look for, by kind. */
export function signsOf(kind: 'function' | 'role' | 'setting' | 'extension'): string[] {
  return signs.flatMap(({ sign }) => (sign.startsWith(`${kind}:`) ? [sign.slice(kind.length + 1)] : []));
}
