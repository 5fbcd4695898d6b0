-- The tables that the examples use: psql -d shop -f examples/shop.sql
CREATE TABLE customers (
  id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name    text NOT NULL,
  balance int  NOT NULL DEFAULT 100
);

CREATE TABLE orders (
  id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id int         NOT NULL REFERENCES customers,
  total       int         NOT NULL,
  placed_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ON orders (customer_id);

INSERT INTO customers (name)
SELECT 'Customer ' || n
  FROM generate_series(1, 20) AS n;

INSERT INTO orders (customer_id, total)
SELECT 1 + n % 20, 10 * n
  FROM generate_series(1, 100) AS n;
