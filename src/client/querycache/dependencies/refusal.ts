/** Thrown within the resolution of a statement, and caught at its top: what follows need not be looked at. */
export class Refusal extends Error {}

export function refuse(reason: string): never {
  throw new Refusal(reason);
}
