import { activityFields, columnName, families } from '../families.ts';
import { createTables } from '../family-sql.ts';
import { levelNames } from '../levels.ts';

const counters = activityFields.map((field) => `  ${columnName(field).padEnd(14)} double precision NOT NULL DEFAULT 0`);

/** What applications tell of their requests, their timers and their waits for connections. */
export const third = {
  number: 3,
  name: 'activities',
  sql: () => `
-- Requests or jobs of one name, a timer, or the pools of an application. The scope without a name is all of them together.
CREATE TABLE pitcrew.activity (
  id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  application_id integer NOT NULL REFERENCES pitcrew.application ON DELETE CASCADE,
  kind           text NOT NULL CHECK (kind IN ('scope', 'timer', 'pool')),
  name           text NOT NULL,
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  -- Counted since it was first seen; single scopes are not.
${counters.join(',\n')},
  -- Durations by bucket, likewise.
  latency        double precision[] NOT NULL DEFAULT '{}',
  UNIQUE (application_id, kind, name)
) WITH (fillfactor = 50);

INSERT INTO pitcrew.progress (family, level)
VALUES ${levelNames.map((level) => `('activity', '${level}')`).join(', ')};
${createTables(families.activity)}
`,
};
