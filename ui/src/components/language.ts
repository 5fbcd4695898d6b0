/**
 * Browsers started without a locale (LANG=C, as services are) call their language `en-US@posix`, which `Intl` refuses; uPlot
 * hands it on unseen when it is loaded. Gives such a browser a language that exists.
 */
export function ensureLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
  }
}
