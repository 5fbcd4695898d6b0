import { sharedMajors, testDatabase } from '../../../test/support/postgres.ts';
import { expect, test } from 'vitest';
import { builtinOperators, harmlessVolatileFunctions, steadyFunctions } from './known-functions.ts';

const newest = Math.max(...sharedMajors());

test.each(sharedMajors())('no function or operator of the lists is volatile in PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  const functions = await database.query<{ name: string; volatile: boolean }>(`
    SELECT proname AS name, bool_or(provolatile = 'v') AS volatile
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
    GROUP BY proname`);
  const volatile = functions.filter((row) => row.volatile).map(({ name }) => name);
  expect(volatile.filter((name) => steadyFunctions.has(name))).toEqual([]);
  const operators = await database.query<{ name: string; volatile: boolean }>(`
    SELECT oprname AS name, bool_or(provolatile = 'v') AS volatile
    FROM pg_operator
    JOIN pg_proc p ON p.oid = oprcode
    WHERE oprnamespace = 'pg_catalog'::regnamespace
    GROUP BY oprname`);
  expect(operators.filter(({ name, volatile: is }) => is && builtinOperators.has(name))).toEqual([]);
  expect(functions.length).toBeGreaterThan(2000);
  if (major !== newest) return;
  const known = new Set([...functions, ...operators].map(({ name }) => name));
  const listed = [...steadyFunctions, ...harmlessVolatileFunctions, ...builtinOperators];
  expect(listed.filter((name) => !known.has(name))).toEqual([]);
  expect(volatile).toEqual(expect.arrayContaining([...harmlessVolatileFunctions]));
});

test('what changes something is on no list', () => {
  const changing =
    `nextval setval currval lastval set_config setseed pg_advisory_lock pg_try_advisory_lock pg_advisory_unlock_all
    pg_advisory_xact_lock pg_cancel_backend pg_terminate_backend pg_reload_conf pg_rotate_logfile pg_promote pg_switch_wal
    pg_create_restore_point pg_logical_emit_message pg_notify lo_create lo_unlink lo_open lo_get lowrite lo_import lo_export
    txid_current pg_current_xact_id pg_export_snapshot pg_stat_reset pg_stat_clear_snapshot pg_create_physical_replication_slot
    pg_logical_slot_get_changes pg_replication_origin_create pg_import_system_collations pg_read_file pg_ls_dir query_to_xml
    ts_stat ts_rewrite cursor_to_xml pg_nextoid brin_summarize_range gin_clean_pending_list dblink pg_walfile_name
    pg_current_wal_lsn pg_restore_relation_stats pg_log_backend_memory_contexts pg_sync_replication_slots`.split(/\s+/);
  expect(changing.filter((name) => steadyFunctions.has(name) || harmlessVolatileFunctions.has(name))).toEqual([]);
});
