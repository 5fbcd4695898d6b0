function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/**
 * Built-in functions that are not immutable and still give the same for the same tables, parameters and settings (those of
 * `resultSettings`): all other stable ones read the clock, the catalog or their session.
 */
export const steadyWithSettings = words(`
  array_to_json array_to_string concat concat_ws convert_from convert_to date date_add date_bin date_part date_subtract
  date_trunc extract format generate_series json_agg json_agg_strict json_build_array json_build_object json_object_agg
  json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_to_record json_to_recordset json_to_tsvector
  jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_object_agg_strict
  jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists_tz jsonb_path_match_tz
  jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz jsonb_to_record jsonb_to_recordset jsonb_to_tsvector
  make_timestamptz money numeric overlaps phraseto_tsquery plainto_tsquery quote_literal quote_nullable row_to_json text time
  timestamp timestamptz timetz timezone to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector
  ts_headline websearch_to_tsquery xml xmlagg`);

/** Of what the key of a result has in it anyway: database, role and search_path. */
export const fixedBySession = words(
  'current_catalog current_database current_role current_schema current_schemas current_user user',
);

/** What is steady only with so many arguments: age(x) counts from today. */
export const steadyByArguments: ReadonlyMap<string, number> = new Map([['age', 2]]);

/** Immutable by their declaration, but they read the catalog. */
export const notImmutable = words('acldefault makeaclitem pg_partition_root satisfies_hash_partition');

/** Settings that results may depend on, besides `search_path`: the key of a result has them all in it. */
export const resultSettings: readonly string[] = Object.freeze([
  'array_nulls',
  'bytea_output',
  'client_encoding',
  'DateStyle',
  'default_text_search_config',
  'extra_float_digits',
  'gin_fuzzy_search_limit',
  'IntervalStyle',
  'lc_messages',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'row_security',
  'standard_conforming_strings',
  'TimeZone',
  'timezone_abbreviations',
  'transform_null_equals',
  'xmlbinary',
  'xmloption',
]);

/**
 * Extensions whose immutable functions in C are what they say: none of them reads a table. (In PostGIS, for one, functions
 * that are declared immutable read spatial_ref_sys.)
 */
export const trustedExtensions = words(`
  btree_gin btree_gist citext cube fuzzystrmatch hstore intarray isn ltree pg_trgm pgcrypto seg tcn vector`);

/** What of SQLValueFunctionOp (primnodes.h) tells the role or the session; all before are the clock. */
export const valueFunctionRoles = {
  /** CURRENT_ROLE, CURRENT_USER, USER. */
  role: [9, 10, 11],
  sessionUser: 12,
  /** CURRENT_CATALOG, CURRENT_SCHEMA. */
  session: [13, 14],
} as const;

/** Columns of the system that change without a change of the row: by locks, and when a table is written anew. */
export const unsteadyColumns = words('ctid cmin cmax xmax');
