import type { SourceLocale } from '../source/settings.ts';

/** A way to make the twin's database, and how it differs from the source's: `null` when it does not. */
export interface LocaleChoice {
  sql: string;
  differs: string | null;
}

const cLike = /^(C|POSIX)$/i;

/**
 * How to make a database that orders text as the source does, best first. What matters most for plans is whether text is ordered
 * byte by byte, because only then does a plain index serve LIKE 'prefix%'.
 */
export function localeChoices(source: SourceLocale | undefined): LocaleChoice[] {
  if (source === undefined) return [];
  const { provider, locale } = source;
  const literal = `'${locale.replaceAll("'", "''")}'`;
  if (provider === 'b') return [{ sql: `LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal}`, differs: null }];
  if (provider === 'i') {
    return [{ sql: `LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE ${literal}`, differs: null }, ...inIcu('und', locale)];
  }
  if (cLike.test(locale)) return [{ sql: `LOCALE_PROVIDER libc LOCALE ${literal}`, differs: null }];
  return [{ sql: `LOCALE_PROVIDER libc LOCALE ${literal}`, differs: null }, ...inIcu(languageTag(locale), locale)];
}

function inIcu(tag: string, locale: string): LocaleChoice[] {
  return [...new Set([tag, 'und'])].map((each) => ({
    sql: `LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE '${each}'`,
    differs: `this machine has no "${locale}": texts are compared as ICU does for "${each}", so estimates for ranges of texts may differ a little`,
  }));
}

/** `de-CH` of `de_CH.UTF-8@euro`; `und` for `C.UTF-8`. */
function languageTag(locale: string): string {
  const [language = '', region] = locale.replace(/[.@].*$/, '').split('_');
  if (!/^[a-z]{2,3}$/.test(language)) return 'und';
  return region !== undefined && /^[A-Z]{2}$/.test(region) ? `${language}-${region}` : language;
}
