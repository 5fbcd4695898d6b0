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
await using opened = await openPage(browser, { theme: 'light', width: 1440, height: 1180 });
const { page } = opened;
await page.goto(url);
await page.locator('.chart-plot canvas').first().waitFor();
await page.locator('.skeleton').first().waitFor({ state: 'detached' });
const picture = await page.screenshot({ type: 'png' });
if (picture.length > mostBytes)
  throw new Error(`${picture.length} bytes: more than the ${mostBytes} a README should load`);
writeFileSync(file, picture);
process.stderr.write(`${file}: ${picture.length} bytes\n`);
