/** Remembers since when the server has had how much log. */
export interface Lag {
  /** The server has log up to there, as of now. */
  note(serverLsn: bigint): void;
  /** For how long the server has had log behind a position, in ms; 0 when it has none, as far as is known. */
  behindMs(stored: bigint): number;
  /** Nobody asks for what lies before that any more. */
  forget(stored: bigint): void;
}

/** More moments than that are thinned out. */
const most = 2048;

export function makeLag(): Lag {
  let marks: { lsn: bigint; at: number }[] = [];
  return {
    note(lsn) {
      const last = marks.at(-1);
      if (last && last.lsn >= lsn) return;
      marks.push({ lsn, at: performance.now() });
      // What is kept is the earlier of two: it makes a lag look longer, never shorter.
      if (marks.length > most) marks = marks.filter((_, place) => place % 2 === 0 || place === marks.length - 1);
    },
    behindMs(stored) {
      const first = marks.find(({ lsn }) => lsn > stored);
      return first ? performance.now() - first.at : 0;
    },
    forget(stored) {
      const known = marks.findIndex(({ lsn }) => lsn > stored);
      marks.splice(0, known < 0 ? marks.length - 1 : known);
    },
  };
}
