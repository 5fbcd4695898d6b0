// Writes docs/api.md from the routes of the server.
import { writeFileSync } from 'node:fs';
import { loadConfig } from '../src/config/index.ts';
import { apiDocumentation, type DescribedApi } from '../src/server/api-docs.ts';
import { createApp } from '../src/server/index.ts';

const { config } = await loadConfig({ cwd: '/', env: {} });
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const app = createApp({ monitors: [], store: undefined, config, version: '', logger: silent });
const response = await app.request('/api/v1/openapi.json');
writeFileSync(new URL('../docs/api.md', import.meta.url), apiDocumentation((await response.json()) as DescribedApi));
