import type { ServerSettings } from '../../../src/server/api/system.ts';
import { Card } from '../components/card.tsx';
import { CheckField, SearchField } from '../components/filters.tsx';
import { Freshness } from '../components/page-header.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { databaseUrl } from '../data/api.ts';
import { readSort, sortRows } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { exact } from '../format/quantity.ts';
import { settingValue } from './setting-value.ts';

type Setting = ServerSettings['settings'][number];

const sorts = ['name', 'category', 'source'] as const;
const policy = { on: ['tables', 'slow'], everyMs: 60_000 };

export function Settings() {
  const { query } = useUrl();
  const settings = useResource<ServerSettings>(databaseUrl('/settings', query), policy);
  return (
    <>
      <div class="filters">
        <SearchField label="Search settings" />
        <CheckField name="changed" label="Only changed" />
        <CheckField name="pending" label="Only waiting for a restart" />
        <Freshness of={settings} />
      </div>
      <Awaited of={settings} lines={12}>
        {(answer) => <SettingList all={answer.settings} />}
      </Awaited>
    </>
  );
}

function SettingList({ all }: { all: readonly Setting[] }) {
  const { query, here } = useUrl();
  const sort = readSort(query['sort'], sorts, { column: 'name', descending: false });
  const search = (query['search'] ?? '').toLowerCase();
  const fitting = all.filter(
    (setting) =>
      (query['changed'] !== '1' || !setting.isDefault) &&
      (query['pending'] !== '1' || setting.pendingRestart) &&
      `${setting.name} ${setting.description} ${setting.category} ${setting.value}`.toLowerCase().includes(search),
  );
  return (
    <Card flush foot={<span>{`${exact(fitting.length)} of ${exact(all.length)} settings`}</span>}>
      {fitting.length === 0 ? (
        <Empty title={all.length === 0 ? 'The settings were not read yet' : 'No setting fits'}>
          {all.length === 0 ? (
            'They are read every ten minutes.'
          ) : (
            <a href={here({ search: null, changed: null, pending: null })}>Show all settings</a>
          )}
        </Empty>
      ) : (
        <DataTable
          label="Settings"
          sort={sort}
          rows={sortRows(fitting, (row) => row[sort.column], sort.descending)}
          rowKey={({ name }) => name}
          columns={[
            { id: 'name', title: 'Setting', cell: (row) => <span class="mono setting-name">{row.name}</span> },
            {
              id: 'value',
              title: 'Value',
              sortable: false,
              wrap: true,
              bare: true,
              cell: (row) => <SettingCell setting={row} />,
            },
            {
              id: 'source',
              title: 'Source',
              priority: 'medium',
              cell: (row) => (row.isDefault ? <span class="muted">default</span> : row.source),
            },
            { id: 'category', title: 'Category', priority: 'low', cell: (row) => row.category },
            {
              id: 'description',
              title: 'Description',
              sortable: false,
              wide: true,
              cell: (row) => (
                <span class="clip muted" title={row.description}>
                  {row.description}
                </span>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function SettingCell({ setting }: { setting: Setting }) {
  const { shown, raw } = settingValue(setting.value, setting.unit);
  return (
    <span class="setting-value">
      <span class={setting.isDefault ? undefined : 'setting-changed'} title={raw}>
        {shown}
      </span>
      {!setting.isDefault && <StatusBadge tone="info">Changed</StatusBadge>}
      {setting.pendingRestart && <StatusBadge tone="warning">Waits for a restart</StatusBadge>}
    </span>
  );
}
