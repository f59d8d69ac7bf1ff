"""Errors as the contract knows them: a kind that decides what the host does next, the backend's own code, and a sentence."""

#: The kinds of the contract. What is no one of them becomes `other`.
KINDS = (
    "invalid-argument", "unauthenticated", "permission-denied", "not-found", "already-exists", "conflict", "unavailable",
    "timeout", "exhausted", "unsupported", "protocol", "cancelled", "internal", "other",
)


class HeadgateError(Exception):
    """`code` is the backend's own name for it; `lost`: it may have been carried out, only the answer is missing."""

    def __init__(self, kind, message, *, code=None, retry_after_ms=None, details=None, lost=False):
        super().__init__(message)
        self.kind = kind if kind in KINDS else "other"
        self.message = message
        self.code = code
        self.retry_after_ms = retry_after_ms
        self.details = dict(details or {})
        self.lost = lost

    def during(self, what):
        """What was being done, put before what went wrong."""
        self.message = f"{what}: {self.message}"
        self.args = (self.message,)
        return self

    @property
    def is_unknown(self):
        """Whether a request that failed so may have been carried out."""
        return self.lost and self.kind in ("unavailable", "timeout", "cancelled")


def of(error):
    """What is no HeadgateError is a fault of the plugin's own."""
    if isinstance(error, HeadgateError):
        return error
    return HeadgateError("internal", f"the plugin failed: {type(error).__name__}: {error}")
