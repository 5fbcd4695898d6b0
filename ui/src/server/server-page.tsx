import { PageHeader } from '../components/page-header.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { useUrl } from '../data/use-url.ts';
import { DoctorReport } from './doctor.tsx';
import { Settings } from './settings.tsx';

const tabs = [
  { id: 'doctor', title: 'Doctor' },
  { id: 'settings', title: 'Settings' },
];

/** The watched server: how it is read, what cannot be read and why, and its settings. */
export function ServerPage() {
  const { query } = useUrl();
  return (
    <>
      <PageHeader title="Server" />
      <LinkTabs label="Views of the server" name="tab" tabs={tabs} />
      {query['tab'] === 'settings' ? <Settings /> : <DoctorReport />}
    </>
  );
}
