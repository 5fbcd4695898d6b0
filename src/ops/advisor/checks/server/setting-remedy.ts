import { changeSetting, type ServerProfile, takesAlterSystem } from '../../../../engine/postgres/index.ts';
import type { Remedy } from '../../types.ts';
import type { ServerSettings } from './server-settings.ts';

export interface SettingChange {
  name: string;
  /** As ALTER SYSTEM takes it: `4GB`, `1.1`, `on`. */
  value: string;
  risk: Remedy['risk'];
  /** What can go wrong, without what a restart means: that is added. */
  riskDetail: string;
}

const reload = 'SELECT pg_reload_conf()';

/**
 * Changes a setting of the server by ALTER SYSTEM and back to exactly what it was. Where that does not help (a managed service,
 * a server started with the setting on its command line, a value that a database or role brings along), the remedy is for a person.
 * What needs a restart is never applied by Pitcrew.
 */
export function settingRemedy(profile: ServerProfile, settings: ServerSettings, change: SettingChange): Remedy {
  const { name, value, risk, riskDetail } = change;
  const row = settings.row(name);
  const restart = row?.context === 'postmaster';
  const obstacle = obstacleTo(profile, settings, change, restart);
  if (obstacle !== undefined) {
    return { kind: 'manual', fix: [], undo: [], risk, riskDetail: `${obstacle} ${riskDetail}`, appliable: false };
  }
  const origin = settings.origin(name);
  // Where the file that sets it is hidden from us, setting the old value is what brings the old value back for certain.
  const undo =
    origin?.byAlterSystem === false
      ? `ALTER SYSTEM RESET ${name}`
      : `ALTER SYSTEM SET ${name} = ${literal(origin?.value ?? row?.value ?? '', origin?.list ?? false)}`;
  const set = `ALTER SYSTEM SET ${name} = ${literal(value, origin?.list ?? false)}`;
  return {
    kind: 'setting',
    fix: restart ? [set] : [set, reload],
    undo: restart ? [undo] : [undo, reload],
    risk,
    riskDetail: restart
      ? `It takes effect when the server is restarted, which ends every session. Should the server not start with it, take the ` +
        `line out of postgresql.auto.conf. ${riskDetail}`
      : riskDetail,
    appliable: !restart,
  };
}

function obstacleTo(
  profile: ServerProfile,
  settings: ServerSettings,
  { name, value }: SettingChange,
  restart: boolean,
): string | undefined {
  if (!takesAlterSystem(profile.flavour)) {
    return `ALTER SYSTEM is refused on this service: ${changeSetting(profile.flavour, name, value, restart ? 'restart' : 'reload')}.`;
  }
  if (settings.isOff('allow_alter_system')) {
    return `ALTER SYSTEM is not allowed on this server (allow_alter_system): set ${name} = ${value} where its configuration is kept.`;
  }
  switch (settings.row(name)?.source) {
    case 'command line':
    case 'environment variable':
      return `The server was started with ${name} on its command line, which goes before its files: change it there, to ${value}.`;
    case 'database':
    case 'user':
    case 'database user':
    case 'global':
      return `The value comes from ALTER ROLE or ALTER DATABASE, which goes before the server's own: change it there, to ${value}.`;
    default:
      return undefined;
  }
}

/** A value of ALTER SYSTEM; the elements of a list are quoted each. */
function literal(value: string, list: boolean): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  return list
    ? value
        .split(',')
        .map((element) => quote(element.trim().replace(/^"(.*)"$/, '$1')))
        .join(', ')
    : quote(value);
}
