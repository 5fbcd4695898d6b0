export { fileTier, type FileTierOptions } from './file-tier.ts';
