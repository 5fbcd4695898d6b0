/** A service for listening to music: thirteen tables. Only the primary keys have an index. */
export const tables = `
CREATE TABLE countries (
  country_id  int  NOT NULL,
  code        text NOT NULL,
  continent   text NOT NULL
);
CREATE TABLE genres (
  genre_id   int  NOT NULL,
  name       text NOT NULL,
  parent_id  int
);
CREATE TABLE labels (
  label_id    int  NOT NULL,
  country_id  int  NOT NULL,
  name        text NOT NULL,
  founded     int  NOT NULL
);
CREATE TABLE artists (
  artist_id   int  NOT NULL,
  country_id  int  NOT NULL,
  name        text NOT NULL,
  kind        text NOT NULL,
  born        int
);
CREATE TABLE albums (
  album_id   int  NOT NULL,
  label_id   int  NOT NULL,
  artist_id  int  NOT NULL,
  title      text NOT NULL,
  year       int  NOT NULL,
  format     text NOT NULL
);
CREATE TABLE tracks (
  track_id  int  NOT NULL,
  album_id  int  NOT NULL,
  title     text NOT NULL,
  seconds   int  NOT NULL,
  language  text NOT NULL,
  isrc      text NOT NULL
);
CREATE TABLE credits (
  credit_id  int  NOT NULL,
  track_id   int  NOT NULL,
  artist_id  int  NOT NULL,
  role       text NOT NULL,
  note       text
);
CREATE TABLE track_genres (
  track_id  int      NOT NULL,
  genre_id  int      NOT NULL,
  strength  smallint NOT NULL
);
CREATE TABLE awards (
  award_id   int  NOT NULL,
  artist_id  int  NOT NULL,
  year       int  NOT NULL,
  prize      text NOT NULL,
  won        bool NOT NULL
);
CREATE TABLE listeners (
  listener_id  int  NOT NULL,
  country_id   int  NOT NULL,
  name         text NOT NULL,
  plan         text NOT NULL,
  joined_on    date NOT NULL
);
CREATE TABLE playlists (
  playlist_id  int  NOT NULL,
  listener_id  int  NOT NULL,
  title        text NOT NULL,
  visibility   text NOT NULL
);
CREATE TABLE playlist_tracks (
  playlist_id  int NOT NULL,
  position     int NOT NULL,
  track_id     int NOT NULL
);
CREATE TABLE plays (
  play_id      bigint      NOT NULL,
  listener_id  int         NOT NULL,
  track_id     int         NOT NULL,
  device       text        NOT NULL,
  completed    bool        NOT NULL,
  played_at    timestamptz NOT NULL
);
`;

export const keys = [
  'ALTER TABLE countries       ADD PRIMARY KEY (country_id)',
  'ALTER TABLE genres          ADD PRIMARY KEY (genre_id)',
  'ALTER TABLE labels          ADD PRIMARY KEY (label_id)',
  'ALTER TABLE artists         ADD PRIMARY KEY (artist_id)',
  'ALTER TABLE albums          ADD PRIMARY KEY (album_id)',
  'ALTER TABLE tracks          ADD PRIMARY KEY (track_id)',
  'ALTER TABLE credits         ADD PRIMARY KEY (credit_id)',
  'ALTER TABLE track_genres    ADD PRIMARY KEY (track_id, genre_id)',
  'ALTER TABLE awards          ADD PRIMARY KEY (award_id)',
  'ALTER TABLE listeners       ADD PRIMARY KEY (listener_id)',
  'ALTER TABLE playlists       ADD PRIMARY KEY (playlist_id)',
  'ALTER TABLE playlist_tracks ADD PRIMARY KEY (playlist_id, position)',
  'ALTER TABLE plays           ADD PRIMARY KEY (play_id)',
];

/** Rows at a scale. */
export interface Size {
  labels: number;
  artists: number;
  albums: number;
  tracks: number;
  listeners: number;
  playlists: number;
  plays: number;
}

export function sizeAt(scale: number): Size {
  const rows = (atOne: number): number => Math.max(40, Math.round(atOne * scale));
  return {
    labels: rows(4000),
    artists: rows(120_000),
    albums: rows(160_000),
    tracks: rows(1_300_000),
    listeners: rows(200_000),
    playlists: rows(150_000),
    plays: rows(4_000_000),
  };
}

/** By Zipf's law with exponent 1, from 1 to `most`, the frequent ones spread over the ids. */
const zipf = (most: number): string => `(1 + floor(exp(random() * ln(${most})))::bigint * 7919 % ${most})::int`;

/** INSERT statements in order; each is seeded by itself. */
export function fillings({ labels, artists, albums, tracks, listeners, playlists, plays }: Size): string[] {
  return [
    `INSERT INTO countries
     SELECT g, 'C' || lpad(g::text, 2, '0'), (ARRAY['Europe', 'America', 'Asia', 'Africa', 'Oceania'])[1 + g % 5]
       FROM generate_series(1, 60) AS g`,
    `INSERT INTO genres SELECT g, 'genre ' || g, CASE WHEN g > 20 THEN 1 + g % 20 END FROM generate_series(1, 200) AS g`,
    `INSERT INTO labels
     SELECT g, (1 + floor(exp(random() * ln(60)))::int) % 60 + 1, 'Label ' || g, 1950 + floor(70 * random() ^ 0.5)::int
       FROM generate_series(1, ${labels}) AS g`,
    `INSERT INTO artists
     SELECT g,
            (1 + floor(exp(random() * ln(60)))::int) % 60 + 1,
            (ARRAY['The ', 'Los ', 'DJ ', '', ''])[1 + g % 5] || initcap(left(md5(g::text), 5 + g % 6)),
            CASE WHEN g % 5 < 2 THEN 'band' WHEN g % 5 = 2 THEN 'dj' ELSE 'person' END,
            CASE WHEN g % 5 > 2 THEN 1930 + floor(75 * random())::int END
       FROM generate_series(1, ${artists}) AS g`,
    // Few labels have most albums, and each its time: label, year and format depend on each other.
    `INSERT INTO albums
     SELECT g, label_id, ${zipf(artists)}, 'Album ' || md5(g::text), year,
            CASE WHEN year < 1985 THEN 'vinyl' WHEN year < 2005 THEN 'cd' WHEN random() < 0.1 THEN 'vinyl' ELSE 'stream' END
       FROM (SELECT g, label_id, least(2024, 1960 + label_id % 50 + floor(15 * random())::int) AS year
               FROM (SELECT g, ${zipf(labels)} AS label_id FROM generate_series(1, ${albums}) AS g OFFSET 0) AS a
             OFFSET 0) AS a`,
    // The language follows the album, and so the label's country.
    `INSERT INTO tracks
     SELECT g, album_id, 'Track ' || left(md5(g::text), 12), 60 + floor(400 * random() ^ 2)::int,
            CASE WHEN random() < 0.85 THEN (ARRAY['en', 'en', 'en', 'es', 'de', 'fr', 'ja', 'pt', 'ko', 'sw'])[1 + album_id % 10] ELSE 'en' END,
            'ISRC' || upper(left(md5('x' || g), 10))
       FROM (SELECT g, 1 + floor(${albums} * random())::int AS album_id FROM generate_series(1, ${tracks}) AS g OFFSET 0) AS t`,
    `INSERT INTO credits
     SELECT row_number() OVER (), t.track_id,
            ${zipf(artists)},
            (ARRAY['vocals', 'guitar', 'drums', 'producer', 'composer', 'remix'])[1 + floor(6 * random() ^ 1.7)::int],
            CASE WHEN random() < 0.02 THEN '(as guest)' WHEN random() < 0.02 THEN '(uncredited)' END
       FROM tracks AS t, generate_series(1, 1 + t.track_id % 3) AS n`,
    `INSERT INTO track_genres
     SELECT DISTINCT ON (1, 2) t.track_id, 1 + (t.album_id % 40 + floor(exp(random() * ln(160)))::int) % 200, (1 + 9 * random())::int
       FROM tracks AS t, generate_series(1, 1 + t.track_id % 2) AS n`,
    `INSERT INTO awards
     SELECT g, ${zipf(artists)}, 1990 + floor(35 * random())::int,
            'Prize of ' || (ARRAY['the year', 'the critics', 'the city', 'the academy', 'the people'])[1 + floor(5 * random() ^ 2)::int],
            random() < 0.2
       FROM generate_series(1, ${Math.round(artists / 4)}) AS g`,
    `INSERT INTO listeners
     SELECT g, (1 + floor(exp(random() * ln(60)))::int) % 60 + 1, 'Listener ' || g,
            (ARRAY['free', 'single', 'family', 'student'])[1 + floor(4 * random() ^ 2)::int],
            date '2015-01-01' + floor(3650 * random() ^ 0.7)::int
       FROM generate_series(1, ${listeners}) AS g`,
    `INSERT INTO playlists
     SELECT g, ${zipf(listeners)}, 'Playlist ' || left(md5(g::text), 8),
            CASE WHEN random() < 0.9 THEN 'private' WHEN random() < 0.9 THEN 'friends' ELSE 'public' END
       FROM generate_series(1, ${playlists}) AS g`,
    `INSERT INTO playlist_tracks
     SELECT p.playlist_id, n, ${zipf(tracks)}
       FROM playlists AS p, generate_series(1, 5 + p.playlist_id % 20) AS n`,
    // Devices came one after the other; what is popular is listened to until its end.
    `INSERT INTO plays
     SELECT g, listener_id, track_id,
            CASE WHEN g > ${plays} * 0.9 AND random() < 0.5 THEN 'car'
                 ELSE (ARRAY['phone', 'phone', 'phone', 'desktop', 'speaker', 'tv'])[1 + floor(6 * random())::int] END,
            track_id % 10 < 7 OR random() < 0.3,
            timestamptz '2024-01-01Z' + interval '365 days' * (g::float8 / ${plays})
       FROM (SELECT g, ${zipf(listeners)} AS listener_id, ${zipf(tracks)} AS track_id
               FROM generate_series(1, ${plays}) AS g OFFSET 0) AS p`,
  ];
}
