export type { Identities } from './header.ts';
export { seal } from './seal.ts';
export { unseal } from './unseal.ts';
