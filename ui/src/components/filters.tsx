import { useEffect, useRef, useState } from 'preact/hooks';
import { useUrl } from '../data/use-url.ts';
import { Icon } from './icon.tsx';

/** A text filter kept in the address. It writes once typing rests; `/` brings the cursor here. */
export function SearchField({ name = 'search', label }: { name?: string; label: string }) {
  const { query, set } = useUrl();
  const chosen = query[name] ?? '';
  const [text, setText] = useState(chosen);
  const written = useRef(chosen);
  useEffect(() => {
    // The address changed by another way (back, a link): follow it.
    if (chosen !== written.current) {
      written.current = chosen;
      setText(chosen);
    }
  }, [chosen]);
  useEffect(() => {
    if (text === chosen) return undefined;
    const timer = setTimeout(() => {
      written.current = text;
      set({ [name]: text, page: null }, { replace: true });
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="search">
      <Icon name="search" />
      <input
        class="field"
        type="search"
        data-search=""
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </div>
  );
}

export interface Choice {
  value: string;
  title: string;
}

/** A choice among values, kept in the address; the first is "all". */
export function SelectField({
  name,
  label,
  all,
  options,
}: {
  name: string;
  label: string;
  all: string;
  options: readonly (string | Choice)[];
}) {
  const { query, set } = useUrl();
  const chosen = query[name] ?? '';
  const known = options.map((option) => (typeof option === 'string' ? { value: option, title: option } : option));
  const isKnown = chosen === '' || known.some(({ value }) => value === chosen);
  const offered = isKnown ? known : [{ value: chosen, title: chosen }, ...known];
  return (
    <select
      class="field"
      aria-label={label}
      value={chosen}
      onChange={(event) => set({ [name]: event.currentTarget.value, page: null })}
    >
      <option value="">{all}</option>
      {offered.map(({ value, title }) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </select>
  );
}

/** A yes or no, kept in the address. */
export function CheckField({ name, label }: { name: string; label: string }) {
  const { query, set } = useUrl();
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={query[name] === '1'}
        onChange={(event) => set({ [name]: event.currentTarget.checked, page: null })}
      />
      {label}
    </label>
  );
}
