/** From when on maintenance is needed. Factors of the server or of a table that are stricter go first. */
export interface MaintenanceThresholds {
  /** ANALYZE: rows changed since the last one, as a share of all, and at least so many. */
  changedShare: number;
  changedRows: number;
  /** VACUUM: dead rows, likewise. */
  deadShare: number;
  deadRows: number;
  /** VACUUM: rows inserted since the last one, likewise; for tables that are only inserted into. */
  insertedShare: number;
  insertedRows: number;
  /** VACUUM for index-only scans: the share of pages that are not marked all-visible, of tables with so many pages. */
  invisibleShare: number;
  invisiblePages: number;
  /** VACUUM (FREEZE): age as a share of autovacuum_freeze_max_age. */
  freezeShare: number;
}

export const usualThresholds: MaintenanceThresholds = Object.freeze({
  changedShare: 0.1,
  changedRows: 500,
  deadShare: 0.1,
  deadRows: 1000,
  insertedShare: 0.2,
  insertedRows: 10_000,
  invisibleShare: 0.3,
  invisiblePages: 1000,
  freezeShare: 0.75,
});
