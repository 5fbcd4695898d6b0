import { useState } from 'preact/hooks';
import { presets, shiftRange } from '../data/range.ts';
import { useUrl } from '../data/use-url.ts';
import { clockTime, inputMoment } from '../format/time.ts';
import { Icon } from './icon.tsx';
import { Popover } from './popover.tsx';

/**
 * The time range of the page: spans that end now, a fixed range, and steps back and forth. `shown` is what the page could
 * show of it: history that begins later is said.
 */
export function RangePicker({ shown }: { shown?: { from: string; to: string } | undefined }) {
  const { range, set, here } = useUrl();
  const isPart = shown !== undefined && Date.parse(shown.to) - Date.parse(shown.from) < range.length * 0.96;
  const shift = (direction: -1 | 1) => set(shiftRange(range, direction));
  return (
    <div class="button-group" role="group" aria-label="Time range">
      <button type="button" class="button button-icon" aria-label="Earlier" title="Earlier" onClick={() => shift(-1)}>
        <Icon name="left" />
      </button>
      <Popover
        title="Choose a time range"
        label={
          <>
            <Icon name="clock" />
            {range.label}
            {isPart && (
              <span class="range-since" title="Nothing is known from before">
                since {clockTime(Date.parse(shown.from))}
              </span>
            )}
            <Icon name="down" size={12} />
          </>
        }
      >
        {(close) => (
          <>
            <ul class="menu">
              {presets.map((preset) => (
                <li key={preset.from}>
                  <a
                    href={here({ from: preset.from === '1h' ? null : preset.from, to: null, page: null })}
                    aria-current={range.live && range.from === preset.from ? 'true' : undefined}
                    onClick={close}
                  >
                    {preset.label}
                  </a>
                </li>
              ))}
            </ul>
            <FixedRange close={close} />
          </>
        )}
      </Popover>
      <button
        type="button"
        class="button button-icon"
        aria-label="Later"
        title="Later"
        disabled={range.live}
        onClick={() => shift(1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}

function FixedRange({ close }: { close: () => void }) {
  const { range, set } = useUrl();
  const now = Date.now();
  const [from, setFrom] = useState(inputMoment(range.live ? now - range.length : Number(range.from)));
  const [to, setTo] = useState(inputMoment(range.live ? now : Number(range.to)));
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const valid = start < end;
  const apply = (event: Event) => {
    event.preventDefault();
    if (!valid) return;
    set({ from: start, to: end, page: null });
    close();
  };
  return (
    <form class="range-form" onSubmit={apply}>
      <label class="labelled">
        From
        <input
          class="field"
          type="datetime-local"
          value={from}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label class="labelled">
        To
        <input class="field" type="datetime-local" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      {!valid && (
        <p class="small" role="alert">
          The end must come after the start.
        </p>
      )}
      <button type="submit" class="button" disabled={!valid}>
        Show this range
      </button>
    </form>
  );
}
