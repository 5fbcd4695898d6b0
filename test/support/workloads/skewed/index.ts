import { filledBy, indexOn, runAll, type WorkloadSchema } from '../types.ts';
import { queries } from './queries.ts';
import { fillings, keys, sizeAt, tables } from './schema.ts';

/** Thirteen tables of a music service whose keys follow Zipf's law, and 24 questions that join many of them. */
export const skewed: WorkloadSchema = {
  name: 'skewed',
  make: filledBy(async (client, scale) => {
    await client.query(tables);
    for (const filling of fillings(sizeAt(scale))) await runAll(client, ['SELECT setseed(0.42)', filling]);
    await runAll(client, [...keys, 'VACUUM (ANALYZE)']);
  }),
  queries,
  indexes: [
    indexOn('albums', ['label_id']),
    indexOn('albums', ['artist_id']),
    indexOn('albums', ['year', 'format']),
    indexOn('albums', ['title']),
    indexOn('tracks', ['album_id']),
    indexOn('tracks', ['isrc']),
    indexOn('tracks', [{ expression: 'isrc', operatorClass: 'text_pattern_ops' }]),
    indexOn('tracks', ['language']),
    indexOn('credits', ['track_id']),
    indexOn('credits', ['artist_id', 'role']),
    indexOn('credits', ['note', 'role']),
    indexOn('credits', ['role'], { where: 'note IS NOT NULL' }),
    indexOn('track_genres', ['genre_id', 'strength']),
    indexOn('awards', ['artist_id']),
    indexOn('awards', ['prize', 'year']),
    indexOn('artists', ['country_id']),
    indexOn('artists', ['name']),
    indexOn('labels', ['name']),
    indexOn('listeners', ['name']),
    indexOn('listeners', ['joined_on', 'plan']),
    indexOn('playlists', ['listener_id']),
    indexOn('playlists', ['visibility']),
    indexOn('playlist_tracks', ['track_id']),
    indexOn('plays', ['listener_id', { expression: 'played_at', descending: true }]),
    indexOn('plays', ['track_id']),
    indexOn('plays', ['played_at']),
    indexOn('plays', ['played_at'], { method: 'brin' }),
    indexOn('plays', ['device', 'played_at']),
  ],
};
