import {
  type DatabaseConnection,
  readSettingOrigins,
  readSettings,
  type ServerProfile,
  type SettingOriginRow,
  type SettingRow,
} from '../../../../engine/postgres/index.ts';
import type { CheckContext } from '../../types.ts';
import { needed } from '../needed.ts';
import { once } from '../readings.ts';

/** Settings of the server by name, in units that formulas are written in. `undefined`: unknown to this version, or hidden. */
export interface ServerSettings {
  row(name: string): SettingRow | undefined;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  bytes(name: string): number | undefined;
  seconds(name: string): number | undefined;
  /** False also where it is not known. */
  isOn(name: string): boolean;
  isOff(name: string): boolean;
  /** As a person would write it: `256 MB` for 32768 × 8 kB, `default` values as they are. */
  shown(name: string): string;
  origin(name: string): SettingOriginRow | undefined;
}

const byteUnits: Record<string, number> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };
const secondUnits: Record<string, number> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400 };

/** @throws {PitcrewError} `E_QUERY` when no setting can be read. */
export function readServerSettings(context: CheckContext): Promise<ServerSettings> {
  return once(context, readAll);
}

async function readAll(connection: DatabaseConnection, profile: ServerProfile): Promise<ServerSettings> {
  const rows = needed(await readSettings(connection, profile), 'The settings of the server');
  const byName = new Map(rows.map((row) => [row.name, row]));
  const origins = await readSettingOrigins(connection, [...byName.keys()]);
  const originOf = new Map(origins.rows.map((row) => [row.name, row]));
  const number = (name: string): number | undefined => {
    const value = byName.get(name)?.value;
    return value === undefined || value === '' || Number.isNaN(Number(value)) ? undefined : Number(value);
  };
  const scaled = (name: string, units: Record<string, number>): number | undefined => {
    const [, times, unit] = /^(\d*)(\w+)$/.exec(byName.get(name)?.unit ?? '') ?? [];
    const value = number(name);
    const factor = unit === undefined ? undefined : units[unit];
    // -1 stands for "none" or "as another setting", in whichever unit.
    if (value === undefined || factor === undefined) return undefined;
    return value < 0 ? value : value * Number(times || 1) * factor;
  };
  return {
    row: (name) => byName.get(name),
    text: (name) => byName.get(name)?.value,
    number,
    bytes: (name) => scaled(name, byteUnits),
    seconds: (name) => scaled(name, secondUnits),
    isOn: (name) => byName.get(name)?.value === 'on',
    isOff: (name) => byName.get(name)?.value === 'off',
    shown: (name) => shownSetting(byName.get(name), scaled(name, byteUnits), scaled(name, secondUnits)),
    origin: (name) => originOf.get(name),
  };
}

function shownSetting(row: SettingRow | undefined, inBytes: number | undefined, inSeconds: number | undefined): string {
  if (row === undefined) return 'not known';
  if (inBytes !== undefined && inBytes > 0) return asSize(inBytes);
  if (inSeconds !== undefined && inSeconds > 0) return asTime(inSeconds);
  return row.value;
}

/** A size as PostgreSQL takes it, exact: `4GB`, `1536MB`. */
export function asSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let step = 0;
  let value = Math.round(bytes);
  while (value % 1024 === 0 && step < units.length - 1 && value !== 0) {
    value /= 1024;
    step += 1;
  }
  return `${value}${units[step]}`;
}

/** A time as PostgreSQL takes it: `15min`, `30s`. */
function asTime(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}min` : `${Math.round(seconds)}s`;
}
