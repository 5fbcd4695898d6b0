let nowMs = 0;
let forget: NodeJS.Immediate | undefined;

/** Asks the clock once in a turn of the event loop: what is served from memory shall not cost more than the clock. */
function ask(): number {
  nowMs = Date.now();
  forget = setImmediate(() => {
    forget = undefined;
  });
  forget.unref();
  return nowMs;
}

/** The time in ms since the epoch, as it was when this turn of the event loop first asked. */
export function turnTime(): number {
  return forget === undefined ? ask() : nowMs;
}
