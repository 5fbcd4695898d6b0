export type { CallSite } from '../../call-site.ts';
export type { Holder, HolderKind } from './holder.ts';
export { createHolders, type Holders, type HoldersOptions, type Wait } from './holders.ts';
export type { HolderReport } from './report.ts';
