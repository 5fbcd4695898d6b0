/** Advice with its history, what was changed on watched databases, and runs of the advisor. */
export const fifth = {
  number: 5,
  name: 'advice',
  sql: () => `
CREATE TABLE pitcrew.advice (
  id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id         integer NOT NULL REFERENCES pitcrew.target,
  key               text NOT NULL,
  check_id          text NOT NULL,
  -- What is to be done; empty where nothing is.
  kind              text NOT NULL,
  severity          text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  state             text NOT NULL CHECK (state IN ('found', 'planned', 'applying', 'applied', 'measuring', 'kept', 'undoing',
                                                   'undone', 'failed', 'dismissed', 'resolved')),
  state_since       timestamptz NOT NULL,
  finding           jsonb NOT NULL,
  -- The finding as it was when somebody said no to it.
  declined_finding  jsonb,
  first_seen        timestamptz NOT NULL,
  last_seen         timestamptz NOT NULL,
  apply_began_at    timestamptz,
  applied_at        timestamptz,
  progress          jsonb,
  measurement       jsonb,
  UNIQUE (target_id, key)
) WITH (fillfactor = 70);

CREATE TABLE pitcrew.advice_event (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  advice_id  integer NOT NULL REFERENCES pitcrew.advice ON DELETE CASCADE,
  at         timestamptz NOT NULL,
  from_state text,
  to_state   text NOT NULL,
  made_by    text NOT NULL,
  reason     text
);
CREATE INDEX advice_event_advice ON pitcrew.advice_event (advice_id, id);

-- Every statement by which Pitcrew changes a watched database: written before it runs, completed after. It outlives its advice.
CREATE TABLE pitcrew.change_log (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id     integer NOT NULL REFERENCES pitcrew.target,
  advice_id     integer,
  -- Advice's key, or what else it was for.
  subject       text NOT NULL,
  purpose       text NOT NULL CHECK (purpose IN ('apply', 'undo', 'clean-up', 'maintenance')),
  position      integer NOT NULL,
  statement     text NOT NULL,
  asked_by      text NOT NULL,
  began_at      timestamptz NOT NULL,
  server_pid    integer,
  session_began timestamptz,
  -- What was seen before it ran, by which its outcome can be told afterwards.
  before        jsonb,
  outcome       text NOT NULL CHECK (outcome IN ('unknown', 'done', 'failed', 'cancelled')),
  ended_at      timestamptz,
  duration_ms   double precision,
  error         text,
  sql_state     text,
  -- How the outcome became known when nobody was there to write it down.
  resolution    text
);
CREATE INDEX change_log_target ON pitcrew.change_log (target_id, id);
CREATE INDEX change_log_advice ON pitcrew.change_log (advice_id, id);
CREATE INDEX change_log_open ON pitcrew.change_log (target_id) WHERE ended_at IS NULL;

CREATE TABLE pitcrew.advice_run (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id integer NOT NULL REFERENCES pitcrew.target,
  kind      text NOT NULL CHECK (kind IN ('checks', 'indexes')),
  asked_by  text NOT NULL,
  began_at  timestamptz NOT NULL,
  ended_at  timestamptz,
  error     text,
  -- The answers of checks, or the choice of indexes.
  report    jsonb
);
CREATE INDEX advice_run_target ON pitcrew.advice_run (target_id, kind, id);
`,
};
