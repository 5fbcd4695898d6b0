/** Works on a file tier while no file may grow beyond a limit, and prints what came of it. */
import { randomBytes } from 'node:crypto';
import { fileTier } from '../../src/client/cache/file/index.ts';
import type { Invalidation } from '../../src/client/cache/invalidation.ts';

export interface FullDiskOutcome {
  small: boolean;
  /** The code of the error. */
  large: string;
  ofSmall: unknown;
  invalidated: string;
  after: unknown;
}

const [folder = ''] = process.argv.slice(2);
const tier = fileTier({ folder });
const entryOf = (value: unknown) => ({
  value,
  tags: ['t'],
  createdAt: 1,
  freshUntil: Infinity,
  keptUntil: Infinity,
  loadMs: 0,
});
const codeOf = (error: unknown) => (error as { code?: string }).code;

await tier.get('key');
const small = await tier.set('small', entryOf(1), tier.position());
const large = await tier.set('large', entryOf(randomBytes(100_000)), tier.position()).catch(codeOf);
const ofSmall = (await tier.get('small'))?.value;
const many: Invalidation[] = Array.from({ length: 200 }, (_, index) => ({
  kind: 'tag',
  tag: `of something else ${index}`,
}));
const invalidated = await tier.invalidate([...many, { kind: 'tag', tag: 't' }]).then(() => 'done', codeOf);
const after = (await tier.get('small'))?.value ?? null;
await tier.close();
process.stdout.write(JSON.stringify({ small, large, ofSmall, invalidated, after }));
