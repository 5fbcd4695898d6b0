import type { WorkloadQuery } from '../types.ts';

const query = (id: string, text: string): WorkloadQuery => ({ id, text: text.trim() });

/** 24 questions that join four to eight tables and want little of them, in the manner of the Join Order Benchmark. */
export const queries: readonly WorkloadQuery[] = [
  query(
    'S01 guests on a label',
    `
SELECT min(t.title), min(ar.name), count(*)
  FROM labels l
  JOIN albums a  ON a.label_id = l.label_id
  JOIN tracks t  ON t.album_id = a.album_id
  JOIN credits c ON c.track_id = t.track_id
  JOIN artists ar ON ar.artist_id = c.artist_id
 WHERE l.name = 'Label 37' AND c.note = '(as guest)' AND a.year BETWEEN 1995 AND 2005`,
  ),
  query(
    'S02 producers with a prize',
    `
SELECT min(ar.name), count(DISTINCT a.album_id)
  FROM awards w
  JOIN artists ar ON ar.artist_id = w.artist_id
  JOIN credits c  ON c.artist_id = ar.artist_id
  JOIN tracks t   ON t.track_id = c.track_id
  JOIN albums a   ON a.album_id = t.album_id
 WHERE w.prize = 'Prize of the people' AND w.won AND w.year = 2010 AND c.role = 'producer' AND ar.kind = 'band'`,
  ),
  query(
    'S03 who hears an artist',
    `
SELECT co.code, count(*)
  FROM artists ar
  JOIN albums a     ON a.artist_id = ar.artist_id
  JOIN tracks t     ON t.album_id = a.album_id
  JOIN plays p      ON p.track_id = t.track_id
  JOIN listeners li ON li.listener_id = p.listener_id
  JOIN countries co ON co.country_id = li.country_id
 WHERE ar.artist_id BETWEEN 17 AND 21 AND co.continent = 'Asia'
 GROUP BY co.code
 ORDER BY 2 DESC`,
  ),
  query(
    'S04 playlists with old songs',
    `
SELECT min(pl.title), count(*)
  FROM playlists pl
  JOIN playlist_tracks pt ON pt.playlist_id = pl.playlist_id
  JOIN tracks t           ON t.track_id = pt.track_id
  JOIN albums a           ON a.album_id = t.album_id
 WHERE pl.visibility = 'public' AND a.year < 1965 AND t.language = 'fr'`,
  ),
  query(
    'S05 the last evening of a listener',
    `
SELECT t.title, ar.name, p.played_at
  FROM listeners li
  JOIN plays p    ON p.listener_id = li.listener_id
  JOIN tracks t   ON t.track_id = p.track_id
  JOIN albums a   ON a.album_id = t.album_id
  JOIN artists ar ON ar.artist_id = a.artist_id
 WHERE li.name = 'Listener 1234'
 ORDER BY p.played_at DESC
 LIMIT 20`,
  ),
  query(
    'S06 tracks by code',
    `
SELECT t.title, a.title, l.name, co.code
  FROM tracks t
  JOIN albums a     ON a.album_id = t.album_id
  JOIN labels l     ON l.label_id = a.label_id
  JOIN countries co ON co.country_id = l.country_id
 WHERE t.isrc LIKE 'ISRC7F3A%'`,
  ),
  query(
    'S07 remixes of a genre',
    `
SELECT min(t.title), min(ar.name), count(*)
  FROM genres g
  JOIN track_genres tg ON tg.genre_id = g.genre_id
  JOIN tracks t        ON t.track_id = tg.track_id
  JOIN credits c       ON c.track_id = t.track_id
  JOIN artists ar      ON ar.artist_id = c.artist_id
 WHERE g.name = 'genre 188' AND c.role = 'remix' AND ar.kind = 'dj' AND tg.strength > 7`,
  ),
  query(
    'S08 heard in the car one night',
    `
SELECT count(*), count(DISTINCT li.listener_id)
  FROM plays p
  JOIN listeners li ON li.listener_id = p.listener_id
  JOIN tracks t     ON t.track_id = p.track_id
  JOIN albums a     ON a.album_id = t.album_id
 WHERE p.device = 'car' AND p.played_at >= '2024-12-24 22:00Z' AND p.played_at < '2024-12-25 02:00Z'
   AND li.plan = 'family' AND a.format = 'vinyl'`,
  ),
  query(
    'S09 students who joined in a week',
    `
SELECT g.name, count(*)
  FROM listeners li
  JOIN plays p         ON p.listener_id = li.listener_id
  JOIN track_genres tg ON tg.track_id = p.track_id
  JOIN genres g        ON g.genre_id = tg.genre_id
 WHERE li.plan = 'student' AND li.joined_on BETWEEN '2021-03-01' AND '2021-03-02'
 GROUP BY g.name
 ORDER BY 2 DESC
 LIMIT 10`,
  ),
  query(
    'S10 composers of two countries',
    `
SELECT min(ar.name), count(*)
  FROM countries c1
  JOIN artists ar   ON ar.country_id = c1.country_id
  JOIN credits c    ON c.artist_id = ar.artist_id
  JOIN tracks t     ON t.track_id = c.track_id
  JOIN albums a     ON a.album_id = t.album_id
  JOIN labels l     ON l.label_id = a.label_id
  JOIN countries c2 ON c2.country_id = l.country_id
 WHERE c1.code = 'C51' AND c2.code = 'C44' AND c.role = 'composer'`,
  ),
  query(
    'S11 long tracks of a year',
    `
SELECT t.title, a.title, t.seconds
  FROM albums a
  JOIN tracks t  ON t.album_id = a.album_id
  JOIN labels l  ON l.label_id = a.label_id
 WHERE a.year = 1961 AND t.seconds > 450 AND l.founded > 2000
 ORDER BY t.seconds DESC
 LIMIT 25`,
  ),
  query(
    'S12 prizes and covers',
    `
SELECT min(ar.name), max(w.year)
  FROM artists ar
  JOIN awards w  ON w.artist_id = ar.artist_id
  JOIN credits c ON c.artist_id = ar.artist_id
 WHERE ar.name LIKE 'Los A%' AND w.prize = 'Prize of the academy' AND c.role IN ('vocals', 'guitar') AND c.note IS NOT NULL`,
  ),
  query(
    'S13 what a continent does not finish',
    `
SELECT t.language, count(*)
  FROM countries co
  JOIN listeners li ON li.country_id = co.country_id
  JOIN plays p      ON p.listener_id = li.listener_id
  JOIN tracks t     ON t.track_id = p.track_id
 WHERE co.code = 'C58' AND NOT p.completed AND p.device = 'tv'
 GROUP BY t.language`,
  ),
  query(
    'S14 public playlists of a country',
    `
SELECT min(pl.title), min(ar.name), count(*)
  FROM countries co
  JOIN listeners li       ON li.country_id = co.country_id
  JOIN playlists pl       ON pl.listener_id = li.listener_id
  JOIN playlist_tracks pt ON pt.playlist_id = pl.playlist_id
  JOIN tracks t           ON t.track_id = pt.track_id
  JOIN albums a           ON a.album_id = t.album_id
  JOIN artists ar         ON ar.artist_id = a.artist_id
 WHERE co.code = 'C40' AND pl.visibility = 'public' AND t.language = 'ja'`,
  ),
  query(
    'S15 an album by its title',
    `
SELECT t.title, t.seconds, string_agg(ar.name || ' ' || c.role, ', ')
  FROM albums a
  JOIN tracks t   ON t.album_id = a.album_id
  JOIN credits c  ON c.track_id = t.track_id
  JOIN artists ar ON ar.artist_id = c.artist_id
 WHERE a.title = 'Album ' || md5('77')
 GROUP BY t.track_id, t.title, t.seconds
 ORDER BY t.title`,
  ),
  query(
    'S16 vinyl after its time',
    `
SELECT l.name, count(*)
  FROM labels l
  JOIN albums a ON a.label_id = l.label_id
  JOIN tracks t ON t.album_id = a.album_id
 WHERE a.format = 'vinyl' AND a.year > 2019 AND t.seconds < 65
 GROUP BY l.name
 ORDER BY 2 DESC
 LIMIT 10`,
  ),
  query(
    'S17 artists nobody plays',
    `
SELECT count(*)
  FROM artists ar
  JOIN albums a ON a.artist_id = ar.artist_id
 WHERE ar.born BETWEEN 1970 AND 1971 AND ar.country_id = 33
   AND NOT EXISTS (SELECT FROM tracks t JOIN plays p ON p.track_id = t.track_id WHERE t.album_id = a.album_id)`,
  ),
  query(
    'S18 same genre, same album',
    `
SELECT min(t1.title), min(t2.title), count(*)
  FROM tracks t1
  JOIN tracks t2        ON t2.album_id = t1.album_id AND t2.track_id > t1.track_id
  JOIN track_genres tg1 ON tg1.track_id = t1.track_id
  JOIN track_genres tg2 ON tg2.track_id = t2.track_id AND tg2.genre_id = tg1.genre_id
 WHERE t1.language = 'sw' AND tg1.genre_id = 199`,
  ),
  query(
    'S19 first plays of the year',
    `
SELECT li.name, t.title, p.played_at
  FROM plays p
  JOIN listeners li ON li.listener_id = p.listener_id
  JOIN tracks t     ON t.track_id = p.track_id
 WHERE li.country_id = 55 AND p.device = 'speaker'
 ORDER BY p.played_at
 LIMIT 10`,
  ),
  query(
    'S20 genres of young labels',
    `
SELECT g.name, count(*)
  FROM labels l
  JOIN albums a        ON a.label_id = l.label_id
  JOIN tracks t        ON t.album_id = a.album_id
  JOIN track_genres tg ON tg.track_id = t.track_id
  JOIN genres g        ON g.genre_id = tg.genre_id
  JOIN countries co    ON co.country_id = l.country_id
 WHERE l.founded = 2018 AND co.continent = 'Africa' AND g.parent_id = 7
 GROUP BY g.name
 ORDER BY 2 DESC`,
  ),
  query(
    'S21 uncredited drummers',
    `
SELECT min(ar.name), min(t.title), count(*)
  FROM credits c
  JOIN artists ar ON ar.artist_id = c.artist_id
  JOIN tracks t   ON t.track_id = c.track_id
  JOIN albums a   ON a.album_id = t.album_id
  JOIN labels l   ON l.label_id = a.label_id
 WHERE c.note = '(uncredited)' AND c.role = 'drums' AND l.country_id = 50 AND a.year > 2010`,
  ),
  query(
    'S22 friends of a song',
    `
SELECT li.name, count(*)
  FROM playlist_tracks pt
  JOIN playlists pl ON pl.playlist_id = pt.playlist_id
  JOIN listeners li ON li.listener_id = pl.listener_id
  JOIN tracks t     ON t.track_id = pt.track_id
 WHERE t.isrc = 'ISRC' || upper(left(md5('x5000'), 10))
 GROUP BY li.name
 ORDER BY 2 DESC
 LIMIT 10`,
  ),
  query(
    'S23 plays of an hour by genre',
    `
SELECT g.name, count(*)
  FROM plays p
  JOIN track_genres tg ON tg.track_id = p.track_id
  JOIN genres g        ON g.genre_id = tg.genre_id
 WHERE p.played_at >= '2024-06-15 20:00Z' AND p.played_at < '2024-06-15 21:00Z' AND p.completed
 GROUP BY g.name
 ORDER BY 2 DESC
 LIMIT 5`,
  ),
  query(
    'S24 prize winners in playlists',
    `
SELECT ar.name, count(*)
  FROM awards w
  JOIN artists ar         ON ar.artist_id = w.artist_id
  JOIN albums a           ON a.artist_id = ar.artist_id
  JOIN tracks t           ON t.album_id = a.album_id
  JOIN playlist_tracks pt ON pt.track_id = t.track_id
 WHERE w.year = 2020 AND w.won AND w.prize = 'Prize of the city' AND ar.kind = 'person'
 GROUP BY ar.name
 ORDER BY 2 DESC
 LIMIT 10`,
  ),
];
