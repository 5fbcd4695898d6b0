/** The part of pino that is used here. */
export interface MonitorLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const silentLogger: MonitorLogger = { debug: () => {}, info: () => {}, warn: () => {} };
