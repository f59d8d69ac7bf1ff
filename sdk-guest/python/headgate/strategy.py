"""The usual way from what is to what is wished: a resource is made, rewritten whole, or deleted."""

import json
from dataclasses import replace

from headgate.types import Action, Step, Write

#: Of a value in a summary: one line is wanted.
SHOWN_CHARS_MAX = 60


def differences(before, after):
    """(path, name, was, wish) of each top-level key that differs; None is the default."""
    names = sorted({*before, *after})
    each = [("/" + name.replace("~", "~0").replace("/", "~1"), name, before.get(name), after.get(name)) for name in names]
    return [one for one in each if one[2] != one[3]]


def steps(change, *, lost="what it holds is lost", forgets=False):
    """One change of a type whose objects are written whole.

    `lost` says what a delete loses. It is always destructive, and taken back by making the object again unless `forgets`
    says that this would not be the same.
    """
    before, after = change.before, change.after
    if before is None and after is None:
        return []
    if before is None:
        return [_made(change, after)]
    if after is None:
        again = replace(change, revision=None, incarnation=None)
        undo = None if forgets else _write(again, "create", present(before))
        return [Step(_write(change, "delete"), lost, destructive=True, undo=undo)]
    different = differences(before, after)
    if not different:
        return []
    summary = ", ".join(f"{name} {shown(was)} → {shown(wish)}" for _, name, was, wish in different)
    return [Step(_write(change, "replace", present(after)), summary, undo=_write(change, "replace", present(before)))]


def _made(change, after):
    spec = present(after)
    summary = ", ".join(f"{name}={shown(value)}" for name, value in sorted(spec.items())) or "with the defaults"
    return Step(_write(change, "create", spec), summary, undo=_write(change, "delete"))


def _write(change, kind, value=None):
    return Write(change.key, Action(kind, value), change.revision, change.incarnation)


def present(spec):
    """Without what goes back to its default."""
    return {name: value for name, value in spec.items() if value is not None}


def shown(value):
    if value is None:
        return "default"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    line = text.replace("\n", "⏎")
    return line if len(line) <= SHOWN_CHARS_MAX else line[:SHOWN_CHARS_MAX] + "…"
