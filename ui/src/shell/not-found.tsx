import { Card } from '../components/card.tsx';
import { Empty } from '../components/states.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { useUrl } from '../data/use-url.ts';

export function NotFound() {
  const { path, to } = useUrl();
  return (
    <>
      <PageHeader title="There is no such page" />
      <Card>
        <Empty title="Nothing lives here">
          <code>{path}</code> is not an address of this dashboard. <a href={to('/')}>Go to the overview</a>.
        </Empty>
      </Card>
    </>
  );
}
