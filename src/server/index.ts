/**
 * The HTTP side of Pitcrew: API, event stream, Prometheus, dashboard.
 *
 * `createHandler` gives a Fetch handler for mounting inside another application, `startServer` a server of its own.
 */
export { createMonitor } from '../ops/monitor/index.ts';
export { openStore } from '../ops/store/index.ts';
export { createApp } from './app.ts';
export type { AppContext, Logger } from './context.ts';
export { createHandler } from './handler.ts';
export { type ListenOptions, refuseExposure, type RunningServer, startServer } from './listen.ts';
export { createLoggers, type Loggers } from './log/index.ts';
export { logMonitors, type MonitorLogOptions } from './log/monitors.ts';
export { isLoopback } from './request/guard.ts';
