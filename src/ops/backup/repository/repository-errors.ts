import { messageOf, PitcrewError } from '../../../errors.ts';

export function brokenChain(id: string, parent: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} cannot be restored`, {
    detail: `It builds on ${parent}, which is not there.`,
  });
}

export function removedMeanwhile(id: string, cause: unknown): PitcrewError {
  return new PitcrewError('E_NOT_FOUND', `backup ${id} was removed while it was read`, {
    detail: messageOf(cause),
    hint: 'Take another one, or keep it from being pruned first: "pitcrew backup pin".',
    cause,
  });
}

export function otherCluster(name: string, owner: string, systemId: string): PitcrewError {
  return new PitcrewError('E_CONFLICT', `${name} belongs to another cluster`, {
    detail: `It has backups of the cluster ${owner}; this is ${systemId}.`,
    hint: 'Give each cluster a repository of its own. A new cluster that was made with initdb or pg_upgrade is another one.',
  });
}
