// Writes docs/checks.md from the checks of the advisor.
import { writeFileSync } from 'node:fs';
import { checksDocs } from '../src/ops/advisor/checks/docs.ts';

writeFileSync(new URL('../docs/checks.md', import.meta.url), checksDocs());
