import type { Query, Sort } from '../data/url-state.ts';
import { useUrl } from '../data/use-url.ts';
import { exact } from '../format/quantity.ts';
import { Icon } from './icon.tsx';

/** Which rows are shown, and the way to the others. `page` in the address begins at 1; `noun` is one row. */
export function Pager({ count, size, noun }: { count: number; size: number; noun: string }) {
  const { query, set } = useUrl();
  const page = pageOf(query);
  const first = (page - 1) * size + 1;
  const last = Math.min(count, page * size);
  return (
    <>
      <span>
        {count > size && `${exact(first)}–${exact(last)} of `}
        {count === 0 ? 'No' : exact(count)} {count === 1 ? noun : `${noun}s`}
      </span>
      {count > size && (
        <span class="pager">
          <button
            type="button"
            class="button button-small"
            disabled={page <= 1}
            onClick={() => set({ page: page > 2 ? page - 1 : null })}
          >
            <Icon name="left" size={13} />
            Previous
          </button>
          <button
            type="button"
            class="button button-small"
            disabled={last >= count}
            onClick={() => set({ page: page + 1 })}
          >
            Next
            <Icon name="right" size={13} />
          </button>
        </span>
      )}
    </>
  );
}

/** What the API is asked for the rows of the page that the address names, in their order. */
export function pageParameters(query: Query, sort: Sort, size: number) {
  return {
    sort: sort.column,
    order: sort.descending ? 'desc' : 'asc',
    limit: size,
    offset: (pageOf(query) - 1) * size,
  };
}

function pageOf(query: Query): number {
  const page = Number(query['page']);
  return Number.isInteger(page) && page > 0 ? page : 1;
}
