export { type Binaries, embeddedBinaries, isBinDir } from './binaries.ts';
export { holdLock, type Lock } from './lock.ts';
export { freePort } from './port.ts';
export { type ReplicaOptions, type ReplicaServer, startReplica } from './replica.ts';
export { type ScratchOptions, type ScratchServer, startScratchServer } from './scratch.ts';
export { type EmbeddedServer, removeServer, type ServerOptions, startServer } from './server.ts';
export { throwawayServer } from './settings.ts';
