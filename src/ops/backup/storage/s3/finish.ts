import { PitcrewError } from '../../../../errors.ts';
import type { Bucket } from './bucket.ts';
import { failureOf } from './errors.ts';
import { look } from './look.ts';

/** The last request of a writing, with which the object is there. */
export interface Finishing {
  key: string;
  /** By which its writer knows it again. */
  writer: string;
  onlyNew: boolean;
  /** Sends it, with what is to be so for it to be done. */
  send(condition: { IfNoneMatch?: '*' }): Promise<unknown>;
  /** Whether it can be sent again once it was done. */
  canRepeat: boolean;
}
export type Finish = (finishing: Finishing) => Promise<void>;

/**
 * Finishes writings in one bucket: of two who write something new at once, one succeeds, where the service does what S3 does on `If-None-Match: *`. One
 * that refuses or ignores it is found out at the first occasion, and is asked before each writing instead: that is told once, because two who write in the same
 * moment are then not told apart.
 * @throws {PitcrewError} `E_CONFLICT` when something was there already, and what the client throws
 */
export function finisher(place: Bucket, onNotice: (text: string) => void): Finish {
  let service: 'unknown' | 'on condition' | 'unconditional' = 'unknown';

  const isOwn = async ({ key, writer }: Finishing): Promise<boolean> => (await look(place, key))?.writer === writer;
  const exists = ({ key }: Finishing): PitcrewError =>
    new PitcrewError('E_CONFLICT', 'there is such an object already', { detail: `${key} in ${place.name}.` });
  function noCondition(): void {
    service = 'unconditional';
    onNotice(
      `${place.name}: this service does not write on condition that nothing is there. Let one Pitcrew only write there at a time.`,
    );
  }

  /** @returns whether the service took note of the condition */
  async function sendNew(finishing: Finishing): Promise<boolean> {
    try {
      await finishing.send({ IfNoneMatch: '*' });
      return true;
    } catch (error) {
      const { code, status } = failureOf(error);
      if (status === 501 || code === 'NotImplemented') return false;
      if (status !== 412 && status !== 409) throw error;
      const found = await look(place, finishing.key);
      // The answer to an earlier attempt was lost.
      if (found?.writer === finishing.writer) return true;
      throw found ? exists(finishing) : error;
    }
  }

  /** What is done can be done again only where nobody takes note of the condition. */
  async function probe(finishing: Finishing): Promise<void> {
    try {
      await finishing.send({ IfNoneMatch: '*' });
    } catch (error) {
      if (failureOf(error).status === 412) service = 'on condition';
      return;
    }
    noCondition();
  }

  return async (finishing) => {
    try {
      if (!finishing.onlyNew) return void (await finishing.send({}));
      if (service !== 'on condition' && (await look(place, finishing.key))) throw exists(finishing);
      if (service === 'unconditional') return void (await finishing.send({}));
      if (await sendNew(finishing)) {
        if (service === 'unknown' && finishing.canRepeat) await probe(finishing);
        return;
      }
      noCondition();
      await finishing.send({});
    } catch (error) {
      // It was done, and the answer to that was lost.
      if (failureOf(error).code === 'NoSuchUpload' && (await isOwn(finishing))) return;
      throw error;
    }
  };
}
