// Makes the README's picture: `node scripts/screenshot.ts URL FILE`, with the address of a running dashboard.
import { writeFileSync } from 'node:fs';
import { openBrowser, openPage } from '../test/browser/support.ts';

const [url, file] = process.argv.slice(2);
if (url === undefined || file === undefined) {
  process.stderr.write('Usage: node scripts/screenshot.ts URL FILE\n');
  process.exit(2);
}
const mostBytes = 300_000;

await using browser = await openBrowser();
await using opened = await openPage(browser, { theme: 'light', width: 1440, height: 1300 });
const { page } = opened;
await page.goto(url);
await page.locator('.chart-plot canvas').first().waitFor();
await page.locator('.skeleton').first().waitFor({ state: 'detached' });
const tiles = await page.locator('.grid-tiles').boundingBox();
if (!tiles) throw new Error('the page has no figures');
// Ends below the figures rather than in the middle of something.
const clip = { x: 0, y: 0, width: 1440, height: Math.round(tiles.y + tiles.height + 12) };
const picture = await page.screenshot({ type: 'png', clip });
if (picture.length > mostBytes)
  throw new Error(`${picture.length} bytes: more than the ${mostBytes} a README should load`);
writeFileSync(file, picture);
process.stderr.write(`${file}: ${picture.length} bytes\n`);
