import type { z } from 'zod';
import { configDefinition } from './definition.ts';
import { formatSize } from './size.ts';
import { formatDuration } from './span.ts';

/** One setting of the definition, as documentation, environment and flags see it. */
export interface Setting {
  /** Path in the config file: `['server', 'port']`; in a list or under names of one's own `['backups', '<database>', 'full']`. */
  path: string[];
  /** Name of its environment variable; `undefined` for what only a file can have. */
  env: string | undefined;
  /** Name of its flag without dashes, or `undefined` when it must not be on a command line. */
  flag: string | undefined;
  description: string;
  /** What may stand there, in words: `duration`, `number 0…65535`, `one of trace, debug`. */
  kind: string;
  /** The default in the form in which it is written, or `undefined`. */
  default: string | undefined;
  secret: boolean;
}

interface SettingMeta {
  description?: string;
  env?: string;
  flag?: string | false;
  kind?: string;
  defaultText?: string;
  /** What the names are that somebody gives to the parts of a record. */
  keyName?: string;
  secret?: boolean;
}

const snake = (part: string): string => part.replace(/[A-Z]/g, (letter) => `_${letter}`);
const kebab = (part: string): string => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every setting in the order of the definition. */
export const settings: readonly Setting[] = Object.freeze(collect(configDefinition, []));

function collect(schema: z.ZodType, path: string[]): Setting[] {
  const inner = unwrap(schema);
  if (inner.def.type === 'object') {
    const shape = (inner as z.ZodObject).shape as Record<string, z.ZodType>;
    return Object.entries(shape).flatMap(([key, child]) => collect(child, [...path, key]));
  }
  const each = partOf(inner);
  if (each && unwrap(each).def.type === 'object') {
    return collect(each, [...path, `<${metaOf(schema).keyName ?? 'number'}>`]);
  }
  return [describe(schema, inner, path)];
}

/** What a list or a record consists of. */
function partOf(inner: z.ZodType): z.ZodType | undefined {
  if (inner.def.type === 'array') return (inner as z.ZodArray<z.ZodType>).element;
  return inner.def.type === 'record' ? (inner as z.ZodRecord<z.ZodString, z.ZodType>).valueType : undefined;
}

/** Whether a part of a path stands for many. */
function isAny(part: string): boolean {
  return part.startsWith('<');
}

/** Whether a path of a config file is that of a setting, or lies below it. */
export function isAt(path: readonly string[], setting: readonly string[]): boolean {
  return setting.every((part, place) => path[place] !== undefined && (isAny(part) || part === path[place]));
}

function describe(schema: z.ZodType, inner: z.ZodType, path: string[]): Setting {
  const meta = metaOf(schema);
  const ofFile = path.some(isAny);
  return {
    path,
    env: ofFile ? undefined : (meta.env ?? `PITCREW_${path.map((part) => snake(part).toUpperCase()).join('_')}`),
    flag: ofFile || meta.flag === false ? undefined : (meta.flag ?? path.map((part) => kebab(part)).join('-')),
    description: meta.description ?? '',
    kind: meta.kind ?? kindOf(inner),
    default: defaultOf(schema, meta),
    secret: meta.secret ?? false,
  };
}

/** `meta` of a schema and of those it wraps, the outermost winning. */
function metaOf(schema: z.ZodType): SettingMeta {
  const def = schema.def as { innerType?: z.ZodType };
  const below = def.innerType ? metaOf(def.innerType) : {};
  return { ...below, ...(schema.meta() as SettingMeta | undefined) };
}

function unwrap(schema: z.ZodType): z.ZodType {
  const def = schema.def as { type: string; innerType?: z.ZodType };
  return ['default', 'prefault', 'optional'].includes(def.type) && def.innerType ? unwrap(def.innerType) : schema;
}

function defaultOf(schema: z.ZodType, meta: SettingMeta): string | undefined {
  const def = schema.def as { type: string; defaultValue?: unknown; innerType?: z.ZodType };
  if (def.type !== 'default') return def.innerType ? defaultOf(def.innerType, meta) : undefined;
  const value = def.defaultValue;
  if (meta.kind === 'duration' && typeof value === 'number') return formatDuration(value);
  if (meta.kind === 'size' && typeof value === 'number') return formatSize(value);
  return ['{}', '[]'].includes(JSON.stringify(value)) ? undefined : String(value);
}

function kindOf(inner: z.ZodType): string {
  const def = inner.def as { type: string; entries?: Record<string, string> };
  if (def.type === 'enum') return `one of ${Object.keys(def.entries ?? {}).join(', ')}`;
  if (def.type === 'union') return 'true or false';
  if (def.type === 'number') {
    const { minValue, maxValue } = inner as z.ZodNumber;
    return `number ${minValue ?? ''}…${maxValue ?? ''}`;
  }
  return 'text';
}
