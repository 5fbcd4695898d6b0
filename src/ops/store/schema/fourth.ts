import { cacheFields, columnName, families } from '../families.ts';
import { createTables } from '../family-sql.ts';
import { levelNames } from '../levels.ts';

const counters = cacheFields.map((field) => `  ${columnName(field).padEnd(14)} double precision NOT NULL DEFAULT 0`);

/** What applications tell of their caches, and what operators ask of these. */
export const fourth = {
  number: 4,
  name: 'caches',
  sql: () => `
CREATE TABLE pitcrew.cache (
  id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  application_id integer NOT NULL REFERENCES pitcrew.application ON DELETE CASCADE,
  name           text NOT NULL,
  kind           text NOT NULL,
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  UNIQUE (application_id, name)
) WITH (fillfactor = 80);

-- What is counted of a cache apart: the whole of it, a tier, a group of keys, a cause or a reason.
CREATE TABLE pitcrew.cache_part (
  id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cache_id       integer NOT NULL REFERENCES pitcrew.cache ON DELETE CASCADE,
  kind           text NOT NULL CHECK (kind IN ('whole', 'tier', 'group', 'invalidation', 'refused', 'bypass')),
  name           text NOT NULL,
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  -- Counted since it was first seen; groups are not.
${counters.join(',\n')},
  UNIQUE (cache_id, kind, name)
) WITH (fillfactor = 50);

-- A cache in a process, as it last told. Since: from when on it may hold something.
CREATE TABLE pitcrew.cache_instance (
  application_id integer NOT NULL,
  instance       text NOT NULL,
  cache_id       integer NOT NULL REFERENCES pitcrew.cache ON DELETE CASCADE,
  since          timestamptz NOT NULL,
  seen_at        timestamptz NOT NULL,
  seconds        double precision NOT NULL,
  state          jsonb NOT NULL,
  PRIMARY KEY (application_id, instance, cache_id),
  FOREIGN KEY (application_id, instance) REFERENCES pitcrew.application_instance (application_id, name) ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE INDEX cache_instance_cache ON pitcrew.cache_instance (cache_id);

-- What an operator asks of all caches, those of an application, or those of a name.
CREATE TABLE pitcrew.cache_command (
  id          uuid PRIMARY KEY,
  target_id   integer NOT NULL REFERENCES pitcrew.target,
  application text,
  cache       text,
  action      text NOT NULL CHECK (action IN ('clear', 'invalidate', 'warm')),
  arguments   jsonb NOT NULL,
  asked_at    timestamptz NOT NULL,
  asked_by    text NOT NULL,
  expires_at  timestamptz NOT NULL
);
CREATE INDEX cache_command_expires ON pitcrew.cache_command (target_id, expires_at);

-- What became of it in a process.
CREATE TABLE pitcrew.cache_command_result (
  command_id     uuid NOT NULL REFERENCES pitcrew.cache_command ON DELETE CASCADE,
  cache_id       integer NOT NULL REFERENCES pitcrew.cache ON DELETE CASCADE,
  instance       text NOT NULL,
  done_at        timestamptz NOT NULL,
  ok             boolean NOT NULL,
  error          text,
  detail         text,
  PRIMARY KEY (command_id, cache_id, instance)
);
CREATE INDEX cache_command_result_cache ON pitcrew.cache_command_result (cache_id);

INSERT INTO pitcrew.progress (family, level)
VALUES ${levelNames.map((level) => `('cache', '${level}')`).join(', ')};
${createTables(families.cache)}
`,
};
