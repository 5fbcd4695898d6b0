/** What was done for backups, and how it went. */
export const eighth = {
  number: 8,
  name: 'backup runs',
  sql: () => `
-- A backup, a copy, a check or a drill. Due: the time of the schedule that it was for; NULL when it was asked for by hand. Error: with code, message,
-- detail and hint. Report: what came of it, by kind.
CREATE TABLE pitcrew.backup_run (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target_id    integer NOT NULL REFERENCES pitcrew.target,
  kind         text NOT NULL,
  trigger      text NOT NULL CHECK (trigger IN ('schedule', 'hand')),
  asked_by     text NOT NULL,
  attempt      integer NOT NULL,
  due_at       timestamptz,
  repository   text NOT NULL,
  began_at     timestamptz NOT NULL,
  ended_at     timestamptz,
  state        text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'stopped')),
  backup       text,
  bytes        double precision,
  stored_bytes double precision,
  error        jsonb,
  report       jsonb
) WITH (fillfactor = 80);
CREATE INDEX backup_run_target ON pitcrew.backup_run (target_id, id);

CREATE TABLE pitcrew.backup_run_line (
  run_id   integer NOT NULL REFERENCES pitcrew.backup_run ON DELETE CASCADE,
  position integer NOT NULL,
  at       timestamptz NOT NULL,
  level    text NOT NULL,
  text     text NOT NULL,
  PRIMARY KEY (run_id, position)
);
`,
};
