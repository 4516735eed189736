/** A host can't join, and trying again without doing something about it will not help. The message says what to do. */
export class JoinError extends Error {
  override name = "JoinError";
}
