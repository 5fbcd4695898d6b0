export { removeLeftTwins } from './leftovers.ts';
export { openTwin, removeTwin } from './open-twin.ts';
export { openOwnTwin, twinsFolder } from './own-twin.ts';
export type { Twin, TwinOptions, TwinProgress } from './options.ts';
