// Makes a picture for the docs: `node scripts/screenshot.ts URL FILE [LAST]`, with the address of a page of a running dashboard. It ends
// below what the selector LAST finds: the figures of the overview, unless it is given.
import { writeFileSync } from 'node:fs';
import { openBrowser, openPage } from '../test/browser/support.ts';

const [url, file, last = '.grid-tiles'] = process.argv.slice(2);
if (url === undefined || file === undefined) {
  process.stderr.write('Usage: node scripts/screenshot.ts URL FILE [LAST]\n');
  process.exit(2);
}
const mostBytes = 300_000;

await using browser = await openBrowser();
await using opened = await openPage(browser, { theme: 'light', width: 1440, height: 1300 });
const { page } = opened;
await page.goto(url);
await page.locator(last).first().waitFor();
await page.locator('.skeleton').first().waitFor({ state: 'detached' });
if ((await page.locator('.chart-plot').count()) > 0) await page.locator('.chart-plot canvas').first().waitFor();
const end = await page.locator(last).first().boundingBox();
if (!end) throw new Error(`the page has no ${last}`);
// Ends below something rather than in the middle of it.
const clip = { x: 0, y: 0, width: 1440, height: Math.round(end.y + end.height + 12) };
const picture = await page.screenshot({ type: 'png', clip });
if (picture.length > mostBytes)
  throw new Error(`${picture.length} bytes: more than the ${mostBytes} a README should load`);
writeFileSync(file, picture);
process.stderr.write(`${file}: ${picture.length} bytes\n`);
