// Errors as the contract knows them: a kind that decides what the host does next, the backend's own code, and a sentence.

/** The kinds of the contract. What is no one of them becomes `other`. */
export const KINDS = [
  "invalid-argument", "unauthenticated", "permission-denied", "not-found", "already-exists", "conflict",
  "unavailable", "timeout", "exhausted", "unsupported", "protocol", "cancelled", "internal", "other",
];

export class HeadgateError extends Error {
  /**
   * @param {string} kind one of KINDS
   * @param {string} message one sentence for a person: what failed, on what, what to do
   * @param {{code?: string, retryAfterMs?: number, details?: Record<string, string>, lost?: boolean}} [more]
   *   `code` is the backend's own name for it; `lost`: the request may have been carried out, only its answer is missing
   */
  constructor(kind, message, more = {}) {
    super(message);
    this.name = "HeadgateError";
    this.kind = KINDS.includes(kind) ? kind : "other";
    this.code = more.code ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.details = more.details ?? {};
    this.lost = more.lost ?? false;
  }

  /** What was being done, put before what went wrong. */
  during(what) {
    this.message = `${what}: ${this.message}`;
    return this;
  }
}

/** Throws: `fail("not-found", "there is no note x")`. */
export function fail(kind, message, more) {
  throw new HeadgateError(kind, message, more);
}

/** The contract's record. What is no HeadgateError is a fault of the plugin's own: `internal`. */
export function toRecord(error) {
  if (!(error instanceof HeadgateError)) {
    return { kind: "internal", code: null, message: `the plugin failed: ${error?.message ?? error}`, retryAfterMs: null, details: [] };
  }
  const { kind, code, message, retryAfterMs } = error;
  return { kind, code, message, retryAfterMs, details: Object.entries(error.details).map(([key, value]) => [key, String(value)]) };
}

/** What a host function threw, or answered, as an error: the record itself, or an Error that carries it as its payload. */
export function fromRecord(thrown, more = {}) {
  const record = thrown?.payload ?? thrown;
  if (record instanceof HeadgateError || typeof record?.kind !== "string") return thrown;
  const { kind, code, message, retryAfterMs, details } = record;
  return new HeadgateError(kind, message, {
    code: code ?? undefined, retryAfterMs: retryAfterMs ?? undefined, details: Object.fromEntries(details ?? []), ...more,
  });
}
