export { type Binaries, embeddedBinaries, isBinDir } from './binaries.ts';
export { type EmbeddedServer, freePort, type ServerOptions, startServer } from './server.ts';
