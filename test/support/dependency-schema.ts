/** Tables, and all that can stand between a query and them. Most of it is in the schema `app`. */
export const dependencySchema = `
  CREATE EXTENSION citext;
  CREATE EXTENSION hstore;
  CREATE EXTENSION pg_trgm;
  CREATE EXTENSION postgres_fdw;
  CREATE SCHEMA app;
  CREATE SCHEMA other;

  CREATE TABLE app.users (id int PRIMARY KEY, name text, mail citext, at timestamptz, day date, data jsonb, tags hstore);
  CREATE TABLE app.orders (id bigint PRIMARY KEY, user_id int REFERENCES app.users, total numeric, at timestamptz);
  CREATE TABLE other.orders (id int, note text);
  CREATE TABLE public.notes (id uuid PRIMARY KEY, body text);
  CREATE TABLE app.kinds (code text PRIMARY KEY, label varchar(20));
  CREATE UNLOGGED TABLE app.fast (id int);
  CREATE SEQUENCE app.numbers;
  CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
  CREATE FOREIGN TABLE app.far (id int) SERVER elsewhere;

  CREATE TABLE app.events (id int, at date NOT NULL, kind text, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
  CREATE TABLE app.events_2024 PARTITION OF app.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
  CREATE TABLE app.events_2024_a PARTITION OF app.events_2024 FOR VALUES IN ('a');
  CREATE TABLE app.parts (id int PRIMARY KEY, kind text) PARTITION BY HASH (id);
  CREATE TABLE app.parts_0 PARTITION OF app.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  CREATE TABLE app.animals (id int, name text);
  CREATE TABLE app.dogs (breed text) INHERITS (app.animals);
  CREATE TABLE app.puppies (age int) INHERITS (app.dogs);

  CREATE VIEW app.active AS SELECT * FROM app.users WHERE name IS NOT NULL;
  CREATE VIEW app.active_orders AS SELECT o.id, a.name FROM app.orders o JOIN app.active a ON a.id = o.user_id;
  CREATE VIEW app.recent AS SELECT * FROM app.orders WHERE at > now() - interval '1 day';
  CREATE VIEW app.mine AS SELECT * FROM app.users WHERE name = current_user;
  CREATE VIEW app.tenant AS SELECT * FROM app.users WHERE name = current_setting('app.tenant');
  CREATE VIEW app.dice AS SELECT random() AS eyes FROM app.users;
  CREATE VIEW app.locked AS SELECT * FROM app.users FOR UPDATE;
  CREATE VIEW app.sampled AS SELECT * FROM app.users TABLESAMPLE SYSTEM (10);
  CREATE VIEW app.catalog AS SELECT relname FROM pg_class;
  CREATE VIEW app.dated AS SELECT name::date AS day FROM app.users;
  CREATE VIEW app.moved AS SELECT at::date AS day, day + 1 AS next FROM app.users;
  CREATE MATERIALIZED VIEW app.totals AS SELECT user_id, sum(total) AS total FROM app.orders GROUP BY 1;
  CREATE VIEW app.totals_view AS SELECT * FROM app.totals;

  CREATE FUNCTION app.old_sum(int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM app.orders WHERE user_id = $1';
  CREATE FUNCTION app.new_sum(u int) RETURNS numeric LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT sum(total) FROM app.orders WHERE user_id = u; END;
  CREATE FUNCTION app.deep_sum(u int) RETURNS numeric LANGUAGE sql STABLE RETURN app.new_sum(u) + 1;
  CREATE FUNCTION app.loose_sum(u int) RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT sum(total) FROM app.orders; END;
  CREATE FUNCTION app.clock() RETURNS timestamptz LANGUAGE sql STABLE RETURN now();
  CREATE FUNCTION app.procedural(int) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT sum(total) FROM app.orders); END';
  CREATE FUNCTION app.sees(text) RETURNS bool LANGUAGE plpgsql STABLE AS 'BEGIN RETURN EXISTS (SELECT FROM app.kinds); END';
  CREATE FUNCTION app.label(app.kinds) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1.label; END';
  CREATE FUNCTION app.rows() RETURNS SETOF app.orders LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM app.orders; END;
  CREATE FUNCTION app.defaulted(u int, at timestamptz DEFAULT now()) RETURNS int LANGUAGE sql IMMUTABLE RETURN u;
  CREATE VIEW app.defaulted_view AS SELECT app.defaulted(1);
  CREATE FUNCTION app.as_other(u int) RETURNS numeric LANGUAGE sql STABLE SET role = 'pg_monitor' RETURN app.new_sum(u);
  CREATE FUNCTION app.day(u app.users) RETURNS text LANGUAGE sql STABLE RETURN u.name;
  CREATE VIEW app.summed AS SELECT id, app.new_sum(id) FROM app.users;
  CREATE VIEW app.summed_old AS SELECT id, app.old_sum(id) FROM app.users;
  CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int);

  CREATE DOMAIN app.known AS text CHECK (app.sees(VALUE));
  CREATE TABLE app.checked (id int, what app.known);
  CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
  CREATE TYPE app.money_amount AS (amount numeric, currency text);
  CREATE FUNCTION app.to_text(app.money_amount) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT code FROM app.kinds LIMIT 1); END';
  CREATE CAST (app.money_amount AS text) WITH FUNCTION app.to_text(app.money_amount) AS IMPLICIT;
  CREATE TABLE app.priced (id int, price app.money_amount);
  CREATE FUNCTION app.same(app.money_amount, app.money_amount) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN EXISTS (SELECT FROM app.kinds); END';
  CREATE OPERATOR app.= (LEFTARG = app.money_amount, RIGHTARG = app.money_amount, FUNCTION = app.same);
  CREATE FUNCTION app.far_from(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN EXISTS (SELECT FROM app.kinds); END';
  CREATE OPERATOR app.<!> (LEFTARG = int, RIGHTARG = int, FUNCTION = app.far_from);

  CREATE TABLE app.members (tenant text, who name);
  CREATE TABLE app.secrets (id int PRIMARY KEY, tenant text);
  ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
  CREATE POLICY by_member ON app.secrets FOR SELECT USING (tenant IN (SELECT m.tenant FROM app.members m WHERE m.who = current_user));
  CREATE TABLE app.rented (id int PRIMARY KEY, tenant text);
  ALTER TABLE app.rented ENABLE ROW LEVEL SECURITY;
  CREATE POLICY by_setting ON app.rented USING (tenant = current_setting('app.tenant', true));
  CREATE TABLE app.guarded (id int PRIMARY KEY);
  ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
  CREATE POLICY by_function ON app.guarded USING (app.sees('x'));
  CREATE FUNCTION app.count_secrets() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM app.secrets);
  CREATE FUNCTION app.count_as_owner() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER RETURN app.count_secrets();
  CREATE VIEW app.counted AS SELECT app.count_secrets();
  CREATE VIEW app.open_secrets AS SELECT * FROM app.secrets;
  CREATE VIEW app.own_secrets WITH (security_invoker = true) AS SELECT * FROM app.secrets;

  CREATE FUNCTION other.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT code FROM app.kinds LIMIT 1); END';
`;
