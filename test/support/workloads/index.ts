export { analytical } from './analytical/index.ts';
export { banking } from './banking/index.ts';
export { shop } from './shop/index.ts';
export { skewed } from './skewed/index.ts';
export { inSession, type WorkloadQuery, type WorkloadSchema } from './types.ts';
