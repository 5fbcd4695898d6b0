/** Values that applications call their statements with, where they tell of them. */
export const seventh = {
  number: 7,
  name: 'parameters',
  sql: () => `
-- Of some calls of a statement, usual ones first, as last told: [{"1": "42", "2": null}, …] by number of the placeholder. They are data of the
-- watched database. Text: what the numbers are those of, where it is not the statement's own.
CREATE TABLE pitcrew.application_parameters (
  application_statement_id integer PRIMARY KEY REFERENCES pitcrew.application_statement ON DELETE CASCADE,
  samples                  jsonb NOT NULL,
  text                     text,
  told_at                  timestamptz NOT NULL
);

-- Whether a process keeps such values: when none of an application does any more, those of before are removed.
ALTER /* pitcrew */ TABLE pitcrew.application_instance ADD COLUMN samples_parameters boolean NOT NULL DEFAULT false;
`,
};
