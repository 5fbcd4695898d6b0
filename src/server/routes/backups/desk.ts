import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, BackupService, Catalogue } from '../../../ops/backup/index.ts';
import type { BackupStore } from '../../../ops/store/index.ts';
import { type AppContext, pickMonitor, storeOf } from '../../context.ts';

/** Whose backups are asked for. */
export interface BackupsOf {
  database: string;
  targetId: number;
  service: BackupService;
  store: BackupStore;
}

export const backupsPath = '/api/v1/database/backups';

/** @throws {PitcrewError} `E_NOT_FOUND`, `E_STORE_UNAVAILABLE`, `E_UNSUPPORTED` when the settings have no backups of it */
export async function backupsOf(context: AppContext, name: string | undefined): Promise<BackupsOf> {
  const { name: database } = pickMonitor(context, name);
  const { backups: store } = storeOf(context);
  const service = serviceOf(context, database);
  if (service) return { database, targetId: await service.targetId(), service, store };
  throw new PitcrewError('E_UNSUPPORTED', `the backups of "${database}" are not looked after`, {
    detail: 'The settings have no section "backups" for it.',
    hint: 'Name a repository and times there: docs/backup-service.md.',
  });
}

export function serviceOf(context: AppContext, database: string): BackupService | undefined {
  return context.backups?.find(({ name }) => name === database);
}

/** @throws {PitcrewError} `E_FORBIDDEN` unless the settings allow it */
export function refuseUnlessEnabled(context: AppContext): void {
  if (context.config.actions.backups) return;
  throw new PitcrewError('E_FORBIDDEN', 'making and checking backups from here is not enabled', {
    detail: 'The setting actions.backups is false.',
    hint: 'Set it in the config file, or PITCREW_ACTIONS_BACKUPS=true, where "pitcrew serve" runs.',
  });
}

/** What is in the first repository. @throws {PitcrewError} why it cannot be read */
export function recordsOf({ backups, repositories }: Catalogue): readonly BackupRecord[] {
  if (backups) return backups;
  throw repositories[0]?.error ?? new PitcrewError('E_STORAGE', 'the repository cannot be read');
}

/** @throws {PitcrewError} `E_NOT_FOUND` */
export function recordOf(database: string, records: readonly BackupRecord[], id: string): BackupRecord {
  const record = records.find((each) => each.id === id);
  if (record) return record;
  throw new PitcrewError('E_NOT_FOUND', `there is no backup ${id}`, {
    detail: `None of that name is in the repository of "${database}".`,
    hint: 'GET /api/v1/database/backups lists them.',
  });
}

/** A backup and those that it builds on, as far as they are there, the full one first. */
export function chainOf(records: readonly BackupRecord[], record: BackupRecord): BackupRecord[] {
  const chain = [record];
  for (let { parent } = record; parent !== null;) {
    const id = parent;
    const found = records.find((each) => each.id === id);
    if (!found || chain.includes(found)) break;
    chain.unshift(found);
    ({ parent } = found);
  }
  return chain;
}
