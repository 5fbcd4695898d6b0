// Before the first paint, so that a chosen theme does not flash in the other one. A file, because the page allows no inline scripts.
try {
  const theme = localStorage.getItem('pitcrew.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
