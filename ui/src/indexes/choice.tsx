import type { IndexAnalysis } from '../../../src/server/api/indexes.ts';
import { Card } from '../components/card.tsx';
import { Fold } from '../components/fold.tsx';
import { Empty } from '../components/states.tsx';
import { Tile } from '../components/tile.tsx';
import { Time } from '../components/value.tsx';
import { bytes, change, count, milliseconds, percent, textOf } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';

type Chosen = NonNullable<IndexAnalysis['choice']>;

/** The last choice of indexes for the whole workload, and how far from the best it may be. */
export function Choice({ choice }: Pick<IndexAnalysis, 'choice'>) {
  if (!choice) {
    return (
      <Card title="Workload">
        <Empty title="No indexes were chosen yet">
          Pitcrew plans the statements of the last days on a twin of the database, under indexes that do not exist yet,
          and chooses the set that serves them best. Nothing is done to the database.
        </Empty>
      </Card>
    );
  }
  const { cost, msPerHour, sizeBytes, budgetBytes, indexes, statements, workload } = choice;
  return (
    <Card
      title="Workload"
      note={
        <>
          {choice.backend === 'twin' ? 'Planned on a twin' : 'Planned with HypoPG'}, <Time at={choice.at} relative />
        </>
      }
    >
      <div class="stack">
        <ul class="grid grid-tiles" aria-label="Figures of the choice">
          <Tile title="Advised" value={count(indexes)} hint="Indexes that do not exist yet" />
          <Tile
            title="Cost"
            value={change(cost.before > 0 ? cost.after / cost.before - 1 : null)}
            hint="Of the workload, as planned, with the advised indexes"
          />
          <Tile
            title="Time"
            value={milliseconds(msPerHour && msPerHour.after - msPerHour.before)}
            hint="Of execution in an hour, as is to be expected"
          />
          <Tile title="From the best" value={percent(cost.gap)} hint="No choice can be better by more than this" />
          <Tile
            title="Size"
            value={bytes(sizeBytes)}
            hint={budgetBytes === null ? 'No bound is set' : `Of ${textOf(bytes(budgetBytes))}`}
          />
          <Tile title="Statements" value={count(statements.improved)} hint={`Of ${statements.planned} get cheaper`} />
          <Tile title="Covered" value={percent(workload.coverage)} hint="Of the measured time" />
        </ul>
        <LeftOut choice={choice} />
      </div>
    </Card>
  );
}

function LeftOut({ choice: { gaps, leftOut } }: { choice: Chosen }) {
  if (gaps.length + leftOut.length === 0) return null;
  return (
    <Fold summary={`Not considered (${gaps.length + leftOut.length})`}>
      <ul class="untold">
        {gaps.map(({ subject, reason }) => (
          <li key={subject + reason}>
            <span>{subject}</span>
            <span class="muted">{reason}</span>
          </li>
        ))}
        {leftOut.map(({ text, reason }) => (
          <li key={text + reason}>
            <span class="clip mono" title={oneLine(text)}>
              {oneLine(text, 100)}
            </span>
            <span class="muted">{reason}</span>
          </li>
        ))}
      </ul>
    </Fold>
  );
}
