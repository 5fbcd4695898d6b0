import { messageOf, PitcrewError } from '../../../errors.ts';

/** Refuses what is no public key (`age1…`), as one with a typing error is. @throws {PitcrewError} `E_BACKUP_KEY` */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  const { Encrypter } = await import('age-encryption');
  for (const recipient of recipients) {
    try {
      new Encrypter().addRecipient(recipient);
    } catch (error) {
      throw new PitcrewError('E_BACKUP_KEY', `${recipient} is no public key of age`, {
        detail: messageOf(error),
        hint: '"age-keygen" shows it beside the secret one: age1 and 58 more characters.',
      });
    }
  }
}
