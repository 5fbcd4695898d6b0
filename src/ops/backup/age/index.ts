export type { Identities } from './header.ts';
export { openByPassphrase, sealByPassphrase } from './passphrase.ts';
export { checkRecipients } from './recipients.ts';
export { seal } from './seal.ts';
export { unseal } from './unseal.ts';
