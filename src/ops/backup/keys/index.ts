export { addKeys, changePassphrase, removeKey, rotateKey } from './change-keys.ts';
export { type Keyring, openKeyring } from './keyring.ts';
export { makeKey, type StoredKey, storedKeys } from './stored-keys.ts';
