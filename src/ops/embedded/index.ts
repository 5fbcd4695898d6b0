export { type Binaries, embeddedBinaries } from './binaries.ts';
export { serverIdentity } from './identity.ts';
export { diskFull } from './data-dir-errors.ts';
export { freePort } from './port.ts';
export { type ReplicaServer, startReplica } from './replica.ts';
export { type ScratchServer, startScratchServer } from './scratch.ts';
export { type EmbeddedServer, removeServer, startServer } from './server.ts';
export { throwawayServer } from './settings.ts';
