import { countBits, countMask } from '../applications/histogram-elements.ts';
import { families } from '../families.ts';
import { createTables } from '../family-sql.ts';
import { levelNames } from '../levels.ts';

const added = ['application', 'caller'] as const;

/** What applications tell of their statements and pools, joined with the server's statements by fingerprint. */
export const second = {
  number: 2,
  name: 'applications',
  sql: () => `
-- Of statements that pg_stat_statements counts together, worked out from the text.
ALTER TABLE pitcrew.statement ADD COLUMN fingerprint text;
CREATE INDEX statement_fingerprint ON pitcrew.statement (target_id, fingerprint);
CREATE INDEX statement_without_fingerprint ON pitcrew.statement (id)
  WHERE fingerprint IS NULL AND text IS NOT NULL AND NOT own;

-- An application, and what it has counted since it was first seen.
CREATE TABLE pitcrew.application (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id  integer NOT NULL REFERENCES pitcrew.target,
  name       text NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen  timestamptz NOT NULL,
  -- When its pools were last added up for history.
  sampled_at timestamptz,
  calls      double precision NOT NULL DEFAULT 0,
  errors     double precision NOT NULL DEFAULT 0,
  rows       double precision NOT NULL DEFAULT 0,
  total_us   double precision NOT NULL DEFAULT 0,
  wait_us    double precision NOT NULL DEFAULT 0,
  -- Calls by bucket.
  latency    double precision[] NOT NULL DEFAULT '{}',
  UNIQUE (target_id, name)
) WITH (fillfactor = 50);

-- A process of an application. Its reports are numbered: the highest counted, and those before it that are missing.
CREATE TABLE pitcrew.application_instance (
  application_id integer NOT NULL REFERENCES pitcrew.application ON DELETE CASCADE,
  name           text NOT NULL,
  sequence       bigint NOT NULL,
  missing        bigint[] NOT NULL,
  seen_at        timestamptz NOT NULL,
  -- How often it reports.
  seconds        double precision NOT NULL,
  pool           jsonb NOT NULL,
  PRIMARY KEY (application_id, name)
) WITH (fillfactor = 50);

CREATE TABLE pitcrew.application_statement (
  id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id      integer NOT NULL REFERENCES pitcrew.target,
  application_id integer NOT NULL REFERENCES pitcrew.application ON DELETE CASCADE,
  fingerprint    text NOT NULL,
  kind           text NOT NULL,
  text           text,
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  UNIQUE (application_id, fingerprint)
) WITH (fillfactor = 80);
CREATE INDEX application_statement_fingerprint ON pitcrew.application_statement (target_id, fingerprint);

-- From where a statement is called: a line of the source, a request, or a line that repeats it within a request.
CREATE TABLE pitcrew.caller (
  id                       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  application_statement_id integer NOT NULL REFERENCES pitcrew.application_statement ON DELETE CASCADE,
  kind                     text NOT NULL CHECK (kind IN ('site', 'scope', 'repeated')),
  scope                    text NOT NULL,
  site                     text NOT NULL,
  first_seen               timestamptz NOT NULL,
  last_seen                timestamptz NOT NULL,
  UNIQUE (application_statement_id, kind, scope, site)
) WITH (fillfactor = 80);

-- Histograms: elements are bucket * 2^${countBits} + count. Elements of one bucket become one, or as many as its count needs.
CREATE FUNCTION pitcrew.fold_counts(elements integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  WITH counts AS (
    SELECT   element >> ${countBits} AS bucket, sum(element & ${countMask}) AS total
    FROM     unnest(elements) AS element
    GROUP BY 1
  )
  SELECT array_agg((bucket << ${countBits}) + part ORDER BY bucket, part DESC)
  FROM   (
    SELECT bucket, total::integer AS part
    FROM   counts
    WHERE  total <= ${countMask}
    UNION  ALL
    SELECT bucket, least(total - place * ${countMask}, ${countMask})::integer
    FROM   counts, generate_series(0, (total - 1) / ${countMask}) AS place
    WHERE  total > ${countMask}
  ) AS parts
$$;
CREATE AGGREGATE pitcrew.merge_counts(integer[]) (
  SFUNC = array_cat, STYPE = integer[], FINALFUNC = pitcrew.fold_counts, PARALLEL = SAFE
);

INSERT INTO pitcrew.progress (family, level)
VALUES ${added.flatMap((family) => levelNames.map((level) => `('${family}', '${level}')`)).join(', ')};
${added.map((family) => createTables(families[family])).join('\n')}
`,
};
