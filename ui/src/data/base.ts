/** Path below which the dashboard is served, without a slash at its end: `''` on a server of our own. `<base href>` says it. */
export const basePath = new URL(document.baseURI).pathname.replace(/\/$/, '');
