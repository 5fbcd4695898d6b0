import { PitcrewError } from '../../../errors.ts';

/**
 * A position in the write-ahead log, `16/B374D848`, as a number.
 * @throws {PitcrewError} `E_USAGE` when it is none.
 */
export function parseLsn(text: string): bigint {
  const [, high, low] = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text) ?? [];
  if (high === undefined || low === undefined) {
    throw new PitcrewError('E_USAGE', 'not a position in the write-ahead log', {
      detail: `Found "${text.slice(0, 40)}".`,
      hint: 'It looks like 16/B374D848.',
    });
  }
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** As PostgreSQL writes it. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
