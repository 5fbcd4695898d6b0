export { analytical } from './analytical/index.ts';
export { banking } from './banking/index.ts';
export { startWorkloadServer, type WorkloadServer } from './server.ts';
export { shop } from './shop/index.ts';
export { skewed } from './skewed/index.ts';
export { type Compared, type ComparedSize, holdAgainstTruth, type Truth } from './truth.ts';
export { inSession, type WorkloadQuery, type WorkloadSchema } from './types.ts';
