// Writes docs/configuration.md from the one definition of the settings.
import { writeFileSync } from 'node:fs';
import { configurationDocs } from '../src/config/docs.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs());
