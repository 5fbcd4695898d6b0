export { type HypopgOptions, openHypopg } from './open.ts';
