import type { WorkloadQuery } from '../types.ts';

const query = (id: string, text: string): WorkloadQuery => ({ id, text: text.trim() });

/** 22 questions of a wholesaler's analysts, in the manner of TPC-H: from sums over everything to the history of one buyer. */
export const queries: readonly WorkloadQuery[] = [
  query(
    'A01 sums by state',
    `
SELECT returned, state, sum(quantity) AS quantity, sum(price * (1 - discount)) AS turnover, avg(discount) AS discount, count(*)
  FROM lines
 WHERE shipped_on <= date '2024-09-01'
 GROUP BY returned, state
 ORDER BY returned, state`,
  ),
  query(
    'A02 cheapest maker',
    `
SELECT m.balance, m.name, l.name, g.good_id, m.phone
  FROM goods g
  JOIN offers o ON o.good_id = g.good_id
  JOIN makers m ON m.maker_id = o.maker_id
  JOIN lands l  ON l.land_id = m.land_id
  JOIN areas a  ON a.area_id = l.area_id
 WHERE g.size = 15
   AND g.kind LIKE '%brushed'
   AND a.name = 'west'
   AND o.cost = (SELECT min(o2.cost)
                   FROM offers o2
                   JOIN makers m2 ON m2.maker_id = o2.maker_id
                   JOIN lands l2  ON l2.land_id = m2.land_id
                   JOIN areas a2  ON a2.area_id = l2.area_id
                  WHERE o2.good_id = g.good_id AND a2.name = 'west')
 ORDER BY m.balance DESC, l.name, m.name, g.good_id
 LIMIT 100`,
  ),
  query(
    'A03 unshipped purchases',
    `
SELECT l.purchase_id, sum(l.price * (1 - l.discount)) AS turnover, p.placed_on
  FROM buyers b
  JOIN purchases p ON p.buyer_id = b.buyer_id
  JOIN lines l     ON l.purchase_id = p.purchase_id
 WHERE b.branch = 'furniture'
   AND p.placed_on BETWEEN date '2023-03-01' AND date '2023-03-15'
   AND l.shipped_on > date '2023-03-15'
 GROUP BY l.purchase_id, p.placed_on
 ORDER BY turnover DESC, p.placed_on
 LIMIT 10`,
  ),
  query(
    'A04 late by urgency',
    `
SELECT p.urgency, count(*)
  FROM purchases p
 WHERE p.placed_on >= date '2023-07-01'
   AND p.placed_on < date '2023-07-15'
   AND EXISTS (SELECT FROM lines l WHERE l.purchase_id = p.purchase_id AND l.promised_on < l.received_on)
 GROUP BY p.urgency
 ORDER BY p.urgency`,
  ),
  query(
    'A05 turnover within lands',
    `
SELECT n.name, sum(l.price * (1 - l.discount)) AS turnover
  FROM buyers b
  JOIN purchases p ON p.buyer_id = b.buyer_id
  JOIN lines l     ON l.purchase_id = p.purchase_id
  JOIN makers m    ON m.maker_id = l.maker_id AND m.land_id = b.land_id
  JOIN lands n     ON n.land_id = m.land_id
  JOIN areas a     ON a.area_id = n.area_id
 WHERE a.name = 'south'
   AND p.placed_on >= date '2022-01-01'
   AND p.placed_on < date '2022-02-01'
 GROUP BY n.name
 ORDER BY turnover DESC`,
  ),
  query(
    'A06 what discounts cost',
    `
SELECT sum(price * discount) AS lost
  FROM lines
 WHERE shipped_on >= date '2021-01-01'
   AND shipped_on < date '2021-01-15'
   AND discount BETWEEN 0.05 AND 0.07
   AND quantity < 24`,
  ),
  query(
    'A07 trade between two lands',
    `
SELECT n1.name AS from_land, n2.name AS to_land, extract(year FROM l.shipped_on) AS year, sum(l.price) AS turnover
  FROM makers m
  JOIN lines l     ON l.maker_id = m.maker_id
  JOIN purchases p ON p.purchase_id = l.purchase_id
  JOIN buyers b    ON b.buyer_id = p.buyer_id
  JOIN lands n1    ON n1.land_id = m.land_id
  JOIN lands n2    ON n2.land_id = b.land_id
 WHERE n1.name = 'land 22'
   AND n2.name = 'land 23'
   AND l.shipped_on BETWEEN date '2022-01-01' AND date '2022-06-30'
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3`,
  ),
  query(
    'A08 share of a land in a kind',
    `
SELECT extract(year FROM p.placed_on) AS year,
       sum(CASE WHEN n2.name = 'land 7' THEN l.price ELSE 0 END) / sum(l.price) AS share
  FROM goods g
  JOIN lines l     ON l.good_id = g.good_id
  JOIN purchases p ON p.purchase_id = l.purchase_id
  JOIN buyers b    ON b.buyer_id = p.buyer_id
  JOIN lands n1    ON n1.land_id = b.land_id
  JOIN areas a     ON a.area_id = n1.area_id
  JOIN makers m    ON m.maker_id = l.maker_id
  JOIN lands n2    ON n2.land_id = m.land_id
 WHERE a.name = 'east'
   AND p.placed_on BETWEEN date '2022-01-01' AND date '2023-12-31'
   AND g.kind = 'promo raw'
   AND g.size = 12
 GROUP BY 1
 ORDER BY 1`,
  ),
  query(
    'A09 profit by land and year',
    `
SELECT n.name, extract(year FROM p.placed_on) AS year, sum(l.price * (1 - l.discount) - o.cost * l.quantity) AS profit
  FROM goods g
  JOIN lines l     ON l.good_id = g.good_id
  JOIN offers o    ON o.good_id = l.good_id AND o.maker_id = l.maker_id
  JOIN makers m    ON m.maker_id = l.maker_id
  JOIN purchases p ON p.purchase_id = l.purchase_id
  JOIN lands n     ON n.land_id = m.land_id
 WHERE g.name = 'zinc lathe'
   AND g.brand = 'brand 20'
 GROUP BY 1, 2
 ORDER BY 1, 2 DESC`,
  ),
  query(
    'A10 who sends things back',
    `
SELECT b.buyer_id, b.name, sum(l.price * (1 - l.discount)) AS turnover, b.balance, n.name
  FROM buyers b
  JOIN purchases p ON p.buyer_id = b.buyer_id
  JOIN lines l     ON l.purchase_id = p.purchase_id
  JOIN lands n     ON n.land_id = b.land_id
 WHERE p.placed_on >= date '2023-10-01'
   AND p.placed_on < date '2023-11-01'
   AND l.returned = 'R'
 GROUP BY b.buyer_id, b.name, b.balance, n.name
 ORDER BY turnover DESC
 LIMIT 20`,
  ),
  query(
    'A11 stock that matters',
    `
SELECT o.good_id, sum(o.cost * o.stock) AS value
  FROM offers o
  JOIN makers m ON m.maker_id = o.maker_id
  JOIN lands n  ON n.land_id = m.land_id
 WHERE n.name = 'land 3'
 GROUP BY o.good_id
HAVING sum(o.cost * o.stock) > (SELECT sum(o2.cost * o2.stock) * 0.001
                                  FROM offers o2
                                  JOIN makers m2 ON m2.maker_id = o2.maker_id
                                  JOIN lands n2  ON n2.land_id = m2.land_id
                                 WHERE n2.name = 'land 3')
 ORDER BY value DESC
 LIMIT 100`,
  ),
  query(
    'A12 carriers and urgency',
    `
SELECT l.carrier, count(*) FILTER (WHERE p.urgency IN ('urgent', 'high')) AS urgent, count(*) AS all
  FROM purchases p
  JOIN lines l ON l.purchase_id = p.purchase_id
 WHERE l.carrier IN ('pickup', 'ship')
   AND l.promised_on < l.received_on
   AND l.shipped_on < l.promised_on
   AND l.received_on >= date '2022-05-01'
   AND l.received_on < date '2022-05-15'
 GROUP BY l.carrier
 ORDER BY l.carrier`,
  ),
  query(
    'A13 purchases per buyer',
    `
SELECT purchases, count(*) AS buyers
  FROM (SELECT b.buyer_id, count(p.purchase_id) AS purchases
          FROM buyers b
          LEFT JOIN purchases p ON p.buyer_id = b.buyer_id AND p.remark NOT LIKE '%special%requests%'
         GROUP BY b.buyer_id) AS c
 GROUP BY purchases
 ORDER BY buyers DESC, purchases DESC`,
  ),
  query(
    'A14 share of promotions',
    `
SELECT 100.0 * sum(CASE WHEN g.kind LIKE 'promo%' THEN l.price * (1 - l.discount) ELSE 0 END) / sum(l.price * (1 - l.discount))
  FROM lines l
  JOIN goods g ON g.good_id = l.good_id
 WHERE l.shipped_on >= date '2023-09-01'
   AND l.shipped_on < date '2023-09-08'`,
  ),
  query(
    'A15 best maker of a week',
    `
WITH turnover AS (
  SELECT maker_id, sum(price * (1 - discount)) AS total
    FROM lines
   WHERE shipped_on >= date '2022-02-01'
     AND shipped_on < date '2022-02-08'
   GROUP BY maker_id
)
SELECT m.maker_id, m.name, m.phone, t.total
  FROM makers m
  JOIN turnover t ON t.maker_id = m.maker_id
 WHERE t.total = (SELECT max(total) FROM turnover)
 ORDER BY m.maker_id`,
  ),
  query(
    'A16 makers by kind',
    `
SELECT g.brand, g.kind, g.size, count(DISTINCT o.maker_id) AS makers
  FROM offers o
  JOIN goods g ON g.good_id = o.good_id
 WHERE g.brand <> 'brand 4'
   AND g.kind NOT LIKE 'medium%'
   AND g.size IN (49, 14, 23, 45)
   AND g.packaging = 'drum'
   AND o.maker_id NOT IN (SELECT maker_id FROM makers WHERE remark LIKE '%customers%complain%')
 GROUP BY 1, 2, 3
 ORDER BY 4 DESC, 1, 2, 3`,
  ),
  query(
    'A17 small quantities',
    `
SELECT sum(l.price) / 7.0 AS per_year
  FROM lines l
  JOIN goods g ON g.good_id = l.good_id
 WHERE g.brand = 'brand 23'
   AND g.packaging = 'jar'
   AND g.size = 20
   AND l.quantity < (SELECT 0.2 * avg(l2.quantity) FROM lines l2 WHERE l2.good_id = g.good_id)`,
  ),
  query(
    'A18 large purchases of a buyer',
    `
SELECT b.name, b.buyer_id, p.purchase_id, p.placed_on, p.total, sum(l.quantity)
  FROM buyers b
  JOIN purchases p ON p.buyer_id = b.buyer_id
  JOIN lines l     ON l.purchase_id = p.purchase_id
 WHERE b.phone LIKE '34-1%'
   AND p.total > 450000
 GROUP BY 1, 2, 3, 4, 5
HAVING sum(l.quantity) > 150
 ORDER BY p.total DESC, p.placed_on
 LIMIT 100`,
  ),
  query(
    'A19 turnover of three wishes',
    `
SELECT sum(l.price * (1 - l.discount)) AS turnover
  FROM lines l
  JOIN goods g ON g.good_id = l.good_id
 WHERE (g.brand = 'brand 12' AND g.packaging = 'box'  AND l.quantity BETWEEN 1 AND 11  AND g.size BETWEEN 1 AND 5
        OR g.brand = 'brand 23' AND g.packaging = 'bag'  AND l.quantity BETWEEN 10 AND 20 AND g.size BETWEEN 1 AND 10
        OR g.brand = 'brand 24' AND g.packaging = 'case' AND l.quantity BETWEEN 20 AND 30 AND g.size BETWEEN 1 AND 15)
   AND l.carrier = 'air'`,
  ),
  query(
    'A20 makers with too much',
    `
SELECT m.name, m.phone
  FROM makers m
  JOIN lands n ON n.land_id = m.land_id
 WHERE m.maker_id IN (SELECT o.maker_id
                        FROM offers o
                       WHERE o.good_id IN (SELECT good_id FROM goods WHERE name = 'iron vice' AND size = 30)
                         AND o.stock > (SELECT 0.5 * sum(l.quantity)
                                          FROM lines l
                                         WHERE l.good_id = o.good_id
                                           AND l.maker_id = o.maker_id
                                           AND l.shipped_on >= date '2021-01-01'
                                           AND l.shipped_on < date '2022-01-01'))
   AND n.name = 'land 7'
 ORDER BY m.name`,
  ),
  query(
    'A21 makers who alone were late',
    `
SELECT m.name, count(*) AS waits
  FROM makers m
  JOIN lines l1    ON l1.maker_id = m.maker_id
  JOIN purchases p ON p.purchase_id = l1.purchase_id
 WHERE p.state = 'P'
   AND p.placed_on >= date '2023-01-01'
   AND l1.received_on > l1.promised_on
   AND EXISTS (SELECT FROM lines l2 WHERE l2.purchase_id = l1.purchase_id AND l2.maker_id <> l1.maker_id)
   AND NOT EXISTS (SELECT FROM lines l3
                    WHERE l3.purchase_id = l1.purchase_id AND l3.maker_id <> l1.maker_id AND l3.received_on > l3.promised_on)
 GROUP BY m.name
 ORDER BY waits DESC, m.name
 LIMIT 100`,
  ),
  query(
    'A22 buyers worth a call',
    `
SELECT substring(b.phone FROM 1 FOR 2) AS code, count(*), sum(b.balance)
  FROM buyers b
 WHERE substring(b.phone FROM 1 FOR 2) IN ('31', '33')
   AND b.balance > 5000
   AND NOT EXISTS (SELECT FROM purchases p WHERE p.buyer_id = b.buyer_id)
 GROUP BY 1
 ORDER BY 1`,
  ),
];
