import type { AdviceStore, StoredAdvice } from '../../store/index.ts';
import type { ChangePatience } from './apply/logged.ts';

/** What the advisor tells of: any logger of pino's shape. */
export interface AdvisorLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What every step of advice's life needs: whose advice it is, and where it is written down. */
export interface Desk {
  /** The database's name in the configuration. */
  name: string;
  url: string;
  targetId: number;
  store: AdviceStore;
  patience: ChangePatience;
  logger: AdvisorLogger;
  /** Told of advice whose state or progress has changed. */
  tell(advice: StoredAdvice): void;
}
