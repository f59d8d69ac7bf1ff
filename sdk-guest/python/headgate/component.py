"""Puts a plugin behind the component's exports: JSON texts become values, one session is kept between calls, and what is
raised becomes the contract's error, with its traceback in the host's log.

Only a component has `wit_world`: componentize-py makes it of the world. Nothing else of the SDK imports it.
"""

import importlib
import sys
import time
import traceback

from componentize_py_types import Err, Ok
from wit_world.imports import errors

from headgate import answers, host, lift, lower
from headgate.errors import HeadgateError, of


def imported(name):
    """An interface that the world imports, or None."""
    try:
        return importlib.import_module(f"wit_world.imports.{name}")
    except ImportError:
        return None


def lend():
    """Gives the SDK what the world imports. Print goes to the log: there is no other output."""
    found = {name: imported(name) for name in ("log", "call", "clock", "secrets", "state", "http")}
    made = {name: Lent(module) for name, module in found.items() if module}
    if found["log"]:
        made["log"] = Log(found["log"])
        sys.stdout = sys.stderr = Output()
    if found["http"]:
        made["http"] = Http(found["http"], found["secrets"])
    host.bind(made)
    # Without WASI the interpreter's own clock ends the instance. (`datetime.now()` cannot be turned away from it.)
    time.time = time.monotonic = time.perf_counter = lambda: host.clock.now_ms() / 1_000
    time.time_ns = time.monotonic_ns = time.perf_counter_ns = lambda: host.clock.now_ms() * 1_000_000


class Lent:
    """An interface whose functions are the contract's own, with its errors as ours."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        function = getattr(self._module, name)

        def ask(*given):
            try:
                return function(*given)
            except Err as error:
                raise lift.error(error.value) from None

        return ask


class Log:
    def __init__(self, module):
        self._module = module

    def enabled(self, level):
        return self._module.enabled(self._module.Level[level.upper()])

    def emit(self, level, message, fields):
        self._module.emit(self._module.Level[level.upper()], message, fields)


class Output:
    """Whole lines, as the log wants them."""

    def __init__(self):
        self._rest = ""

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            host.log.info(line)
        return len(text)

    def flush(self):
        pass


class Http:
    def __init__(self, module, secrets):
        self._module = module
        self._secrets = secrets

    def send(self, request):
        try:
            return self._answer(self._module.send(lower.request(request, self._module, self._secrets)))
        except Err as error:
            return lift.error(error.value)

    def send_all(self, requests, at_once):
        lowered = [lower.request(one, self._module, self._secrets) for one in requests]
        answers = self._module.send_all(lowered, at_once)
        return [self._answer(one.value) if isinstance(one, Ok) else lift.error(one.value) for one in answers]

    @staticmethod
    def _answer(response):
        return response.status, response.headers, response.body


def told(ask):
    """For functions that cannot answer with an error: what they raise ends the instance, and the log says why."""

    def asked(self, *given):
        try:
            return ask(self, *given)
        except Exception:
            host.log.error(traceback.format_exc())
            raise

    return asked


def answered(ask):
    """For functions whose errors are answers."""

    def asked(self, *given):
        try:
            return ask(self, *given)
        except Exception as error:
            raise Err(record(error)) from None

    return asked


def record(error):
    """The contract's record. Whoever raised something else did not mean to: only the traceback says where."""
    if not isinstance(error, HeadgateError):
        host.log.error("".join(traceback.format_exception(error)))
    known = of(error)
    kind = errors.ErrorKind[lower.enum(known.kind)]
    details = [(key, str(value)) for key, value in known.details.items()]
    return errors.Error(kind, known.code, known.message, known.retry_after_ms, details)


def attempt(ask):
    try:
        return Ok(ask())
    except Exception as error:
        return Err(record(error))


def normalized(ask):
    """A wish that cannot be read is refused by raising: the message is the issue."""
    try:
        return Ok(lower.text(ask()))
    except HeadgateError as error:
        return Err([lower.issue_of(error)])


def component(plugin):
    """The classes that componentize-py looks for, by the names of the interfaces."""
    opened = {}
    lend()

    def session():
        if "session" not in opened:
            raise HeadgateError("internal", "the driver was called before `open`")
        return opened["session"]

    class Manifest:
        @told
        def describe(self):
            return lower.description(plugin.describe())

    class MetadataTypes:
        @told
        def list_types(self, facts):
            return [lower.metadata_type(one) for one in plugin.types(lift.json(facts))]

    class ConfigStrategy:
        @told
        def normalize(self, metadata_type, specs, facts):
            known = lift.json(facts)
            return [normalized(lambda: plugin.normalize(metadata_type, lift.json(spec), known)) for spec in specs]

        @told
        def validate(self, metadata_type, specs, facts):
            known = lift.json(facts)
            return [[lower.issue(one) for one in plugin.validate(metadata_type, lift.json(spec), known)] for spec in specs]

        @told
        def steps(self, changes, facts):
            known = lift.json(facts)
            return [attempt(lambda: [lower.step(one) for one in plugin.steps(lift.change(change), known)]) for change in changes]

    class StorageDriver:
        @answered
        def open(self, target):
            if opened.get("target") not in (None, target.id):
                raise HeadgateError("invalid-argument", "this instance is bound to another cluster already")
            if "session" not in opened:
                opened["session"] = plugin.open(lift.target(target))
                opened["target"] = target.id

        @answered
        def probe(self):
            return [lower.check(one) for one in session().probe()]

        @answered
        def discover(self):
            return lower.cluster(session().discover())

        @answered
        def list_resources(self, query):
            asked = lift.query(query)
            return lower.page(answers.page(session().list(asked), asked), record)

        @answered
        def get_resources(self, keys):
            return [lower.lookup(found, record) for found in session().get_all([lift.key(key) for key in keys])]

        @answered
        def write_resources(self, writes, dry_run):
            return [outcome(session(), write, dry_run) for write in writes]

        @told
        def close(self):
            if "session" in opened:
                opened["session"].close()

    made = {"Manifest": Manifest, "MetadataTypes": MetadataTypes, "ConfigStrategy": ConfigStrategy, "StorageDriver": StorageDriver}
    return {**made, "Operations": operations(plugin, session)}


def outcome(session, write, dry_run):
    try:
        return lower.written(session.write(lift.write(write), dry_run))
    except Exception as error:
        return lower.failed(record(error), isinstance(error, HeadgateError) and error.is_unknown)


def operations(plugin, session):
    class Operations:
        @told
        def list_operations(self, facts):
            return [lower.operation(one) for one in plugin.operations(lift.json(facts))]

        @answered
        def preview(self, name, subject, input):
            return lower.forecast(session().preview(name, lift.subject(subject), lift.json(input)))

        @answered
        def run(self, name, subject, input, operation_id):
            try:
                return lower.progress(session().run(name, lift.subject(subject), lift.json(input), operation_id), record)
            except HeadgateError as error:
                if error.is_unknown:
                    return lower.unknown(record(error))
                raise

        @answered
        def poll(self, handle):
            return lower.progress(session().poll(handle), record)

        @answered
        def cancel(self, handle):
            session().cancel(handle)

    return Operations
