import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';
import { say } from '../components/toast.tsx';
import { sessionUrl } from '../data/api.ts';
import { failureFrom, request, signedIn, signedOut } from '../data/client.ts';
import { startEvents } from '../data/events.ts';
import { forgetAll } from '../data/resource-cache.ts';
import { useStore } from '../data/store.ts';
import { useUrl } from '../data/use-url.ts';
import { pages } from './pages.ts';
import { Notices } from './notices.tsx';
import { Shortcuts } from './shortcuts.tsx';
import { chosenTheme, themes, useThemeAttribute } from './theme.ts';
import { useDatabases } from './use-databases.ts';
import { Watched } from './watched.tsx';

/** What surrounds every page: navigation, the watched database and its state, notices that concern everything. */
export function Shell({ children }: { children: ComponentChildren }) {
  const [keysShown, showKeys] = useState(false);
  const { to } = useUrl();
  const { all } = useDatabases();
  useThemeAttribute();
  useEffect(startEvents, []);
  return (
    <div class="shell">
      <a class="skip-link" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href={to('/')} aria-label="Pitcrew, overview">
          <Logo />
          <span>Pitcrew</span>
        </a>
        <Watched />
        <Navigation />
        <div class="side-foot">
          <div class="side-tools">
            <ThemeSwitch />
            <SignOut />
            <button
              type="button"
              class="button button-plain button-icon"
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
              onClick={() => showKeys(true)}
            >
              <Icon name="keyboard" />
            </button>
          </div>
          {all.data && <span>Pitcrew {all.data.version}</span>}
        </div>
      </header>
      <div class="main">
        <Notices />
        <main class="content" id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Shortcuts open={keysShown} onToggle={showKeys} />
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
  document.getElementById('content')?.focus();
}

function Navigation() {
  const { path, to } = useUrl();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const bar = nav.current;
    const current = bar?.querySelector<HTMLElement>('[aria-current]');
    // Scrolling it into view would move the place from which Tab goes on as well.
    if (bar && current) bar.scrollLeft = current.offsetLeft - (bar.clientWidth - current.offsetWidth) / 2;
  }, [path]);
  return (
    <nav class="nav" aria-label="Pages" ref={nav}>
      <ul>
        {pages.map((page) => {
          const current = page.path === '/' ? path === '/' : path === page.path || path.startsWith(`${page.path}/`);
          return (
            <li key={page.path}>
              <a href={to(page.path)} aria-current={current ? 'page' : undefined} title={`g ${page.key}`}>
                <Icon name={page.icon} />
                {page.title}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** Shown where a token was given in this browser. */
function SignOut() {
  if (useStore(signedIn) === 'no') return null;
  const leave = async () => {
    try {
      await request(sessionUrl, { method: 'DELETE' });
      signedIn.set('no');
      forgetAll();
      signedOut.set(true);
    } catch (thrown) {
      say('critical', failureFrom(thrown).title);
    }
  };
  return (
    <button
      type="button"
      class="button button-plain button-icon"
      aria-label="Sign out"
      title="Sign out"
      onClick={() => void leave()}
    >
      <Icon name="leave" />
    </button>
  );
}

const themeWords = { auto: 'as the system', light: 'light', dark: 'dark' } as const;

function ThemeSwitch() {
  const theme = useStore(chosenTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
  return (
    <button
      type="button"
      class="button button-plain button-icon"
      aria-label={`Theme: ${themeWords[theme]}. Change to ${themeWords[next]}`}
      title={`Theme: ${themeWords[theme]}`}
      onClick={() => chosenTheme.set(next)}
    >
      <Icon name={theme} />
    </button>
  );
}

export function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path
        d="M6 18h5l3-8 5 13 3-5h4"
        fill="none"
        stroke="var(--surface)"
        stroke-width="2.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
