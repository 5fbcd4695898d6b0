import { useEffect, useState } from 'preact/hooks';
import { sessionUrl } from '../data/api.ts';
import { failureFrom, request, signedIn, signedOut, type Failure } from '../data/client.ts';
import { refreshAll } from '../data/resource-cache.ts';
import { Logo } from './shell.tsx';
import { useThemeAttribute } from './theme.ts';

/** Shown instead of any page while the daemon asks for a token; the address stays, so that the page asked for comes after. */
export function SignIn() {
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useThemeAttribute();
  useEffect(() => {
    document.title = 'Sign in · Pitcrew';
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await request(sessionUrl, { method: 'POST', body: { token } });
      signedOut.set(false);
      signedIn.set('yes');
      refreshAll();
    } catch (thrown) {
      setFailure(failureFrom(thrown));
    }
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>
          <Logo />
          Sign in to Pitcrew
        </h1>
        <p class="muted">This daemon asks for its token, the value of PITCREW_TOKEN where it was started.</p>
        <label class="labelled">
          Token
          <input
            class="field"
            type="password"
            name="token"
            autocomplete="current-password"
            required
            autofocus
            aria-invalid={failure !== undefined}
            aria-describedby={failure && 'sign-in-failure'}
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {failure && (
          <p id="sign-in-failure" role="alert" class="sign-in-failure">
            {failure.title}. {failure.hint}
          </p>
        )}
        <button type="submit" class="button button-primary" disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
