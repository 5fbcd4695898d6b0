/** Plans that statements have had, and when they went from one to another. */
export const sixth = {
  number: 6,
  name: 'plans',
  sql: () => `
-- A form of plan of a statement: nodes, tables, indexes and order of joins, whatever they cost. The plan is as last seen; NULL: too large.
CREATE TABLE pitcrew.plan (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  statement_id integer NOT NULL REFERENCES pitcrew.statement ON DELETE CASCADE,
  shape        text NOT NULL,
  plan         jsonb,
  generic      boolean NOT NULL,
  total_cost   double precision NOT NULL,
  first_seen   timestamptz NOT NULL,
  last_seen    timestamptz NOT NULL,
  UNIQUE (statement_id, shape)
) WITH (fillfactor = 80);

-- Seen before: when the former plan was seen last. At: when the new one was seen first. Times are means in microseconds.
CREATE TABLE pitcrew.plan_change (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  statement_id integer NOT NULL REFERENCES pitcrew.statement ON DELETE CASCADE,
  from_shape   text NOT NULL,
  to_shape     text NOT NULL,
  seen_before  timestamptz NOT NULL,
  at           timestamptz NOT NULL,
  verdict      text NOT NULL DEFAULT 'pending'
               CHECK (verdict IN ('pending', 'slower', 'faster', 'similar', 'unknown')),
  calls_before double precision NOT NULL DEFAULT 0,
  us_before    double precision NOT NULL DEFAULT 0,
  calls_after  double precision NOT NULL DEFAULT 0,
  us_after     double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX plan_change_statement ON pitcrew.plan_change (statement_id, at);
CREATE INDEX plan_change_at ON pitcrew.plan_change (at);
`,
};
