"""What a plugin implements. What is not overridden does what most plugins want."""

from headgate import strategy
from headgate.errors import HeadgateError


class Plugin:
    """Decides: no method of it but `open`'s session may talk to a backend."""

    def describe(self):
        """A Description; the same answer every time."""
        raise NotImplementedError

    def types(self, facts):
        """A list of what `metadata_type` makes; facts of a cluster where there is one."""
        raise NotImplementedError

    def normalize(self, metadata_type, spec, facts):
        """The one way to write the same wish; done twice, it changes nothing. A HeadgateError refuses."""
        return spec

    def validate(self, metadata_type, spec, facts):
        """What is wrong with a wish: a list of Issues."""
        return []

    def steps(self, change, facts):
        """The writes that lead from `before` to `after`, in order. A HeadgateError refuses and says why."""
        return strategy.steps(change)

    def operations(self, facts):
        return []

    def open(self, target):
        """A Session with that cluster."""
        raise NotImplementedError


class Session:
    """Talks to one cluster. It is asked one thing at a time, and may be thrown away at any."""

    def probe(self):
        """A list of Checks, cheap enough for every few seconds."""
        raise NotImplementedError

    def discover(self):
        """A Cluster."""
        raise NotImplementedError

    def list(self, query):
        """A list of Resources in any order, or a Page."""
        raise NotImplementedError

    def get(self, key):
        """With everything that can be read of it; None where it does not exist."""
        raise NotImplementedError

    def get_all(self, keys):
        """An answer each, in order: a Resource, None, or an exception. Override it where one request answers for many."""
        return [_attempt(self.get, key) for key in keys]

    def write(self, write, dry_run):
        """Carries out one write; what it gives is a Written or nothing."""
        raise HeadgateError("unsupported", f"a {write.key.metadata_type} can only be read")

    def preview(self, name, subject, input):
        raise HeadgateError("unsupported", f"there is no preview of {name}")

    def run(self, name, subject, input, operation_id):
        raise HeadgateError("unsupported", f"there is no operation {name}")

    def poll(self, handle):
        raise HeadgateError("not-found", f"nothing goes on under {handle}")

    def cancel(self, handle):
        raise HeadgateError("unsupported", "what goes on cannot be cancelled")

    def close(self):
        pass


def _attempt(ask, key):
    try:
        return ask(key)
    except Exception as error:
        return error
