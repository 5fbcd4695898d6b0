import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { useUrl } from '../data/use-url.ts';
import { ApplicationList } from './application-list.tsx';
import { ExplainView } from './explain-view.tsx';
import { Patterns } from './patterns.tsx';
import { Repeated } from './repeated.tsx';
import { StatementList } from './statement-list.tsx';

const views = [
  { id: 'all', title: 'All' },
  { id: 'slow', title: 'Slow' },
  { id: 'patterns', title: 'Patterns' },
  { id: 'applications', title: 'Applications' },
  { id: 'explain', title: 'Explain' },
];

/** What statements cost: each one, those that are slow, those of one shape together, and what applications measured. */
export function QueriesPage() {
  const { query } = useUrl();
  const view = query['view'];
  return (
    <>
      <PageHeader title="Queries">
        <RangePicker />
      </PageHeader>
      <LinkTabs label="Views of the queries" name="view" tabs={views} />
      {view !== 'explain' && <Repeated />}
      {view === 'explain' ? (
        <ExplainView />
      ) : view === 'applications' ? (
        <ApplicationList />
      ) : view === 'patterns' ? (
        <Patterns />
      ) : (
        <StatementList key={view} slow={view === 'slow'} />
      )}
    </>
  );
}
