/** What a promise gives, or `undefined` when it fails or takes too long. */
export async function within<Result>(ms: number, promise: Promise<Result> | undefined): Promise<Result | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
