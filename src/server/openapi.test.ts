import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { plainContext } from '../../test/support/plain-monitor.ts';
import { apiDocumentation, type DescribedApi } from './api-docs.ts';
import { createApp } from './index.ts';

interface Document extends DescribedApi {
  components: Record<string, Record<string, object>>;
}

const app = createApp(plainContext());
let document: Document;
beforeAll(async () => {
  document = (await (await app.request('/api/v1/openapi.json')).json()) as Document;
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe('the OpenAPI document', () => {
  test('has every path of the API and nothing else', () => {
    expect(
      operations()
        .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
        .toSorted(),
    ).toEqual([
      'DELETE /api/v1/session',
      'GET /api/v1/database/advice',
      'GET /api/v1/database/advice/audit',
      'GET /api/v1/database/advice/{id}',
      'GET /api/v1/database/advice/{id}/preflight',
      'GET /api/v1/database/applications',
      'GET /api/v1/database/applications/{name}',
      'GET /api/v1/database/backups',
      'GET /api/v1/database/backups/runs',
      'GET /api/v1/database/backups/runs/{id}',
      'GET /api/v1/database/backups/window',
      'GET /api/v1/database/backups/{id}',
      'GET /api/v1/database/cache/commands/{id}',
      'GET /api/v1/database/cache/stats',
      'GET /api/v1/database/doctor',
      'GET /api/v1/database/indexes/analysis',
      'GET /api/v1/database/locks',
      'GET /api/v1/database/performance/dashboard',
      'GET /api/v1/database/performance/health',
      'GET /api/v1/database/performance/metrics',
      'GET /api/v1/database/queries/analysis',
      'GET /api/v1/database/queries/application',
      'GET /api/v1/database/queries/application/{fingerprint}',
      'GET /api/v1/database/queries/patterns',
      'GET /api/v1/database/queries/repeated',
      'GET /api/v1/database/queries/slow',
      'GET /api/v1/database/queries/{id}',
      'GET /api/v1/database/queries/{id}/plans',
      'GET /api/v1/database/sessions',
      'GET /api/v1/database/settings',
      'GET /api/v1/database/tables',
      'GET /api/v1/database/tables/{id}',
      'GET /api/v1/databases',
      'GET /api/v1/events',
      'GET /api/v1/openapi.json',
      'GET /healthz',
      'GET /metrics',
      'GET /readyz',
      'POST /api/v1/database/advice/run',
      'POST /api/v1/database/advice/{id}/apply',
      'POST /api/v1/database/advice/{id}/dismiss',
      'POST /api/v1/database/advice/{id}/reopen',
      'POST /api/v1/database/advice/{id}/undo',
      'POST /api/v1/database/backups',
      'POST /api/v1/database/backups/{id}/drill',
      'POST /api/v1/database/backups/{id}/verify',
      'POST /api/v1/database/cache/clear',
      'POST /api/v1/database/cache/invalidate',
      'POST /api/v1/database/cache/warm',
      'POST /api/v1/database/indexes/optimize',
      'POST /api/v1/database/ingest',
      'POST /api/v1/database/queries/analyze',
      'POST /api/v1/database/queries/reset',
      'POST /api/v1/database/sessions/{pid}/cancel',
      'POST /api/v1/database/sessions/{pid}/terminate',
      'POST /api/v1/session',
    ]);
  });

  test('every reference leads somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(30);
    for (const [reference, kind = '', name = ''] of references) {
      expect(document.components[kind]?.[name], reference).toBeDefined();
    }
  });

  test('every operation has a summary, an answer with a schema, and its errors as problem documents', () => {
    for (const { path, method, operation } of operations()) {
      const place = `${method} ${path}`;
      expect(operation.summary, place).toBeTruthy();
      const success = operation.responses['200'] ?? operation.responses['202'];
      const [answer] = Object.values(success?.content ?? {});
      expect(answer?.schema, place).toBeDefined();
      const errors = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
      expect(errors.length, place).toBeGreaterThan(0);
      for (const [status, { content }] of errors) {
        expect(content?.['application/problem+json']?.schema, `${place} ${status}`).toEqual({
          $ref: '#/components/schemas/Problem',
        });
      }
      for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
        expect(operation.parameters, place).toContainEqual(expect.objectContaining({ name, in: 'path' }));
      }
      if (method === 'get') expect(operation.requestBody, place).toBeUndefined();
    }
  });

  test('every path that it names is served', async () => {
    for (const { path, method } of operations()) {
      const url = path.replace(/\{\w+\}/, '1');
      const response = await app.request(url, { method: method.toUpperCase() });
      expect([404, 405], `${method} ${path}`).not.toContain(response.status);
      await response.body?.cancel();
    }
  });
});

test('docs/api.md lists the API as it is (npm run docs writes it)', async () => {
  const written = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  expect(written).toBe(apiDocumentation(document));
});
