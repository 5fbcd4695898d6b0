export { decode, type Decoded, decodeHead, encode, type Head } from './envelope.ts';
export { encodeText } from './head.ts';
export { type ClassHook, classHook, defaultMaxValueBytes, type ValueOptions } from './options.ts';
