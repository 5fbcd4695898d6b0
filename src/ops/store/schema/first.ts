import { families } from '../families.ts';
import { createTables } from '../family-sql.ts';
import { levelNames } from '../levels.ts';

const familyNames = ['metric', 'statement', 'table', 'index'] as const;

/** Tables of the first release: what is watched, where the counters stood, and four families of history. */
export const first = {
  number: 1,
  name: 'history',
  sql: () => `
-- A watched database, and which daemon writes for it.
CREATE TABLE pitcrew.target (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  owner      uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- A daemon that writes. Its sequence rises with every transaction, so that one whose outcome is unknown is never repeated.
CREATE TABLE pitcrew.writer (
  id         uuid PRIMARY KEY,
  sequence   bigint NOT NULL DEFAULT 0,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pitcrew.series (
  id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id integer NOT NULL REFERENCES pitcrew.target,
  name      text NOT NULL,
  labels    jsonb NOT NULL,
  kind      text NOT NULL CHECK (kind IN ('counter', 'gauge')),
  UNIQUE (target_id, name, labels, kind)
);

CREATE TABLE pitcrew.statement (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id  integer NOT NULL REFERENCES pitcrew.target,
  database   text NOT NULL,
  username   text NOT NULL,
  query_id   text NOT NULL,
  toplevel   boolean NOT NULL,
  text       text,
  own        boolean NOT NULL DEFAULT false,
  first_seen timestamptz NOT NULL,
  last_seen  timestamptz NOT NULL,
  UNIQUE (target_id, query_id, database, username, toplevel)
) WITH (fillfactor = 80);

-- Tables and indexes, with their gauges as last seen.
CREATE TABLE pitcrew.relation (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id  integer NOT NULL REFERENCES pitcrew.target,
  family     text NOT NULL CHECK (family IN ('table', 'index')),
  schema     text NOT NULL,
  name       text NOT NULL,
  parent     text,
  gauges     double precision[],
  first_seen timestamptz NOT NULL,
  last_seen  timestamptz NOT NULL,
  dropped_at timestamptz,
  UNIQUE (target_id, family, schema, name)
) WITH (fillfactor = 80);

-- Cumulative values as last read from a watched server, per collector.
CREATE TABLE pitcrew.baseline (
  target_id integer NOT NULL REFERENCES pitcrew.target,
  collector text NOT NULL,
  key       text NOT NULL,
  values    double precision[] NOT NULL,
  stamp     text,
  PRIMARY KEY (target_id, collector, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);

-- How far each level has been rolled up, and from when on it is complete (NULL: nothing was ever dropped).
CREATE TABLE pitcrew.progress (
  family    text NOT NULL,
  level     text NOT NULL,
  rolled_to timestamptz,
  kept_from timestamptz,
  PRIMARY KEY (family, level)
);
INSERT INTO pitcrew.progress (family, level)
VALUES ${familyNames.flatMap((family) => levelNames.map((level) => `('${family}', '${level}')`)).join(', ')};
${familyNames.map((family) => createTables(families[family])).join('\n')}
`,
};
