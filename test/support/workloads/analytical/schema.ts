/** A wholesaler of tools: what it offers, who makes it, who buys it. Without foreign keys and indexes but the primary keys. */
export const tables = `
CREATE TABLE areas (
  area_id  int  NOT NULL,
  name     text NOT NULL
);
CREATE TABLE lands (
  land_id  int  NOT NULL,
  area_id  int  NOT NULL,
  name     text NOT NULL
);
CREATE TABLE makers (
  maker_id  int           NOT NULL,
  land_id   int           NOT NULL,
  name      text          NOT NULL,
  phone     text          NOT NULL,
  balance   numeric(12,2) NOT NULL,
  remark    text          NOT NULL
);
CREATE TABLE goods (
  good_id    int           NOT NULL,
  name       text          NOT NULL,
  brand      text          NOT NULL,
  kind       text          NOT NULL,
  size       int           NOT NULL,
  packaging  text          NOT NULL,
  price      numeric(12,2) NOT NULL
);
CREATE TABLE offers (
  good_id   int           NOT NULL,
  maker_id  int           NOT NULL,
  stock     int           NOT NULL,
  cost      numeric(12,2) NOT NULL,
  remark    text          NOT NULL
);
CREATE TABLE buyers (
  buyer_id  int           NOT NULL,
  land_id   int           NOT NULL,
  name      text          NOT NULL,
  phone     text          NOT NULL,
  branch    text          NOT NULL,
  balance   numeric(12,2) NOT NULL,
  remark    text          NOT NULL
);
CREATE TABLE purchases (
  purchase_id  int           NOT NULL,
  buyer_id     int           NOT NULL,
  state        char(1)       NOT NULL,
  total        numeric(12,2) NOT NULL,
  placed_on    date          NOT NULL,
  urgency      text          NOT NULL,
  clerk        text          NOT NULL,
  remark       text          NOT NULL
);
CREATE TABLE lines (
  purchase_id  int           NOT NULL,
  line_no      int           NOT NULL,
  good_id      int           NOT NULL,
  maker_id     int           NOT NULL,
  quantity     int           NOT NULL,
  price        numeric(12,2) NOT NULL,
  discount     numeric(4,2)  NOT NULL,
  tax          numeric(4,2)  NOT NULL,
  returned     char(1)       NOT NULL,
  state        char(1)       NOT NULL,
  shipped_on   date          NOT NULL,
  promised_on  date          NOT NULL,
  received_on  date          NOT NULL,
  carrier      text          NOT NULL,
  remark       text          NOT NULL
);
`;

export const keys = [
  'ALTER TABLE areas     ADD PRIMARY KEY (area_id)',
  'ALTER TABLE lands     ADD PRIMARY KEY (land_id)',
  'ALTER TABLE makers    ADD PRIMARY KEY (maker_id)',
  'ALTER TABLE goods     ADD PRIMARY KEY (good_id)',
  'ALTER TABLE offers    ADD PRIMARY KEY (good_id, maker_id)',
  'ALTER TABLE buyers    ADD PRIMARY KEY (buyer_id)',
  'ALTER TABLE purchases ADD PRIMARY KEY (purchase_id)',
  'ALTER TABLE lines     ADD PRIMARY KEY (purchase_id, line_no)',
];

/** Rows at a scale. */
export interface Size {
  makers: number;
  goods: number;
  buyers: number;
  purchases: number;
}

export function sizeAt(scale: number): Size {
  const rows = (atOne: number): number => Math.max(20, Math.round(atOne * scale));
  return { makers: rows(7000), goods: rows(140_000), buyers: rows(105_000), purchases: rows(1_050_000) };
}

/** INSERT statements in order. Random numbers are the same each time; each statement is seeded by itself. */
export function fillings({ makers, goods, buyers, purchases }: Size): string[] {
  return [
    `INSERT INTO areas SELECT n, name
       FROM unnest(ARRAY['north', 'south', 'east', 'west', 'overseas']) WITH ORDINALITY AS a (name, n)`,
    `INSERT INTO lands SELECT g, 1 + g % 5, 'land ' || g FROM generate_series(1, 25) AS g`,
    // A third of the makers are in two lands.
    `INSERT INTO makers
     SELECT g,
            CASE WHEN random() < 0.35 THEN 7 + (g % 2) * 5 ELSE 1 + (random() * 24)::int END,
            'Maker ' || lpad(g::text, 7, '0'),
            (10 + g % 89) || '-' || (100 + g * 7 % 900) || '-' || (1000 + g * 13 % 9000),
            round((random() * 11000 - 1000)::numeric, 2),
            CASE WHEN g % 200 = 0 THEN 'late, customers complain about it'
                 ELSE repeat('delivers as agreed ', 1 + (random() * 3)::int) END
       FROM generate_series(1, ${makers}) AS g`,
    // The kind tells much of the packaging, the brand much of the price.
    `INSERT INTO goods
     SELECT g,
            (ARRAY['steel', 'brass', 'oak', 'copper', 'birch', 'iron', 'zinc'])[1 + g % 7] || ' ' ||
            (ARRAY['hammer', 'saw', 'file', 'drill', 'plane', 'clamp', 'vice', 'chisel', 'rule', 'level', 'lathe'])[1 + g % 11],
            'brand ' || brand,
            (ARRAY['standard', 'small', 'medium', 'large', 'economy', 'promo'])[1 + kind] || ' ' ||
            (ARRAY['plated', 'polished', 'brushed', 'raw', 'painted'])[1 + g % 5],
            1 + (random() ^ 2 * 49)::int,
            CASE WHEN random() < 0.9 THEN (ARRAY['box', 'bag', 'case', 'pallet', 'drum', 'jar'])[1 + kind] ELSE 'wrap' END,
            round((20 * brand + random() * 900)::numeric, 2)
       FROM (SELECT g, 1 + floor(exp(random() * ln(25)))::int AS brand, floor(random() ^ 1.5 * 6)::int AS kind
               FROM generate_series(1, ${goods}) AS g OFFSET 0) AS goods`,
    `INSERT INTO offers
     SELECT g,
            1 + (g + (g - 1) / ${makers} + o * (${makers} / 4)) % ${makers},
            (random() * 9999)::int,
            round((random() * 1000 + 1)::numeric, 2),
            repeat('price holds until the end of the month ', 1 + (random() * 2)::int)
       FROM generate_series(1, ${goods}) AS g, generate_series(0, 3) AS o`,
    `INSERT INTO buyers
     SELECT g,
            1 + (random() ^ 2 * 24)::int,
            'Buyer ' || lpad(g::text, 8, '0'),
            (10 + (random() ^ 2 * 24)::int) || '-' || (100 + g * 7 % 900) || '-' || (1000 + g * 13 % 9000),
            (ARRAY['building', 'machinery', 'household', 'vehicles', 'furniture'])[1 + floor(random() ^ 1.5 * 5)::int],
            round((random() * 11000 - 1000)::numeric, 2),
            repeat('pays within thirty days ', 1 + (random() * 3)::int)
       FROM generate_series(1, ${buyers}) AS g`,
    // Few buyers buy much, a third buys nothing; recent purchases are open.
    `INSERT INTO purchases
     SELECT g,
            1 + 3 * floor(${buyers} / 3 * random() ^ 2)::int + g % 2,
            CASE WHEN placed_on > date '2024-06-01' THEN 'O' WHEN chance < 0.03 THEN 'P' ELSE 'F' END,
            round((chance ^ 3 * 500000 + 100)::numeric, 2),
            placed_on,
            (ARRAY['urgent', 'high', 'medium', 'not specified', 'low'])[1 + floor(random() * 5)::int],
            'Clerk ' || lpad((1 + floor(random() * ${Math.max(10, Math.round(purchases / 1000))})::int)::text, 6, '0'),
            CASE WHEN g % 97 = 0 THEN 'special requests of the buyer'
                 ELSE repeat('to be packed with care ', 1 + (random() * 2)::int) END
       FROM (SELECT g, date '2018-01-01' + floor(2500 * (g::float8 / ${purchases}) ^ 0.8)::int AS placed_on, random() AS chance
               FROM generate_series(1, ${purchases}) AS g OFFSET 0) AS purchases`,
    // One to seven lines each. Ships follow purchases; who is in a hurry flies.
    `INSERT INTO lines
     SELECT p.purchase_id,
            l,
            r.good_id,
            1 + (r.good_id + (r.good_id - 1) / ${makers} + floor(random() * 4)::int * (${makers} / 4)) % ${makers},
            1 + floor(random() * 50)::int,
            round((r.good_id % 1000 + random() * 900 + 10)::numeric, 2),
            round((random() * 0.1)::numeric, 2),
            round((random() * 0.08)::numeric, 2),
            CASE WHEN d.received_on > date '2024-06-17' THEN 'N' WHEN random() < 0.5 THEN 'R' ELSE 'A' END,
            CASE WHEN d.shipped_on > date '2024-06-17' THEN 'O' ELSE 'F' END,
            d.shipped_on,
            p.placed_on + 30 + floor(random() * 60)::int,
            d.received_on,
            CASE WHEN p.urgency = 'urgent' AND random() < 0.7 THEN 'air'
                 ELSE (ARRAY['road', 'road', 'rail', 'ship', 'mail', 'air', 'pickup'])[1 + floor(random() * 7)::int] END,
            repeat('handle with care ', 1 + (random() * 2)::int)
       FROM (SELECT purchase_id, placed_on, urgency, 1 + (purchase_id::bigint * 7919 % 7)::int AS count FROM purchases) AS p
      CROSS JOIN LATERAL generate_series(1, p.count) AS l
      CROSS JOIN LATERAL (SELECT 1 + floor(exp(random() * ln(${goods})))::int * 7919 % ${goods} AS good_id,
                                 p.placed_on + 1 + floor(random() ^ 2 * 120)::int AS shipped_on WHERE l > 0 OFFSET 0) AS r
      CROSS JOIN LATERAL (SELECT r.shipped_on, r.shipped_on + 1 + floor(random() * 30)::int AS received_on OFFSET 0) AS d`,
  ];
}
