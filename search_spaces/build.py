"""From a space as it is written in a sweep to a `Space`.

    use: [network, optimizer, balancer]
    set:
      width: {choice: [16, 32, 64]}                  narrowed
      depth: 3                                       fixed
      balancer: {choice: [uniform, relobralo]}       narrowed; what the options bring stays
      balancer.relobralo.temperature: 0.1            one parameter of an option
      problem.form: {choice: [levels, relative]}     added

Parts come before what narrows them, in whichever order they are named. How one parameter is written
is in `definitions`. All faults are gathered before any is raised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from search_spaces.domains import Constant
from search_spaces.draft import Draft, Entry
from search_spaces.faults import Fault, SpaceError
from search_spaces.named_spaces import (
    ADDITIONS,
    NAMED_SPACES,
    PARTS,
    named_space,
    unknown_space,
)
from search_spaces.names import did_you_mean, is_name, listing
from search_spaces.parameter import Parameter
from search_spaces.relations import condition_faults, reachable
from search_spaces.space import Space
from search_spaces.values import written


def build(
    spec: Mapping[str, Any],
    losses: Sequence[str] | None = None,
    fields: Collection[str] | None = None,
) -> Space:
    """Build the space; raises `SpaceError` with every fault.

    `losses` are the names that a per_loss template expands to. The first loss keeps the weight 1,
    since only ratios matter. With None, templates are left out: the problem is not known yet.

    `fields` are the names of the problem's fields. What an addition has of other fields and the
    sweep does not set itself is left out. With None, all of it stays.
    """
    draft = Draft()
    draft.faults += _key_faults(spec)
    draft.faults += _loss_faults(losses)
    for name in _used(spec, draft.faults):
        draft.add(named_space(name), name)
    settings = spec.get("set") if isinstance(spec, Mapping) else None
    if isinstance(settings, Mapping):
        draft.add(settings, "set")
    elif settings is not None:
        draft.faults.append(
            Fault(
                "set",
                f"{written(settings)} is no mapping. Write parameters, such as {{width: 32}}.",
            )
        )
    draft.settle()
    draft.leave_out(_fields_of_others(draft, fields, settings))
    draft.faults += condition_faults(draft.entries, draft.refused)
    draft.faults += _part_faults(draft, losses)
    if draft.faults:
        raise SpaceError(draft.faults)
    return Space(
        tuple(
            parameter
            for entry in reachable(draft.entries).values()
            for parameter in _parameters(entry, draft.parts, losses)
        )
    )


def _key_faults(spec: object) -> Iterator[Fault]:
    if not isinstance(spec, Mapping):
        yield Fault("space", f"{written(spec)} is no space. Write {{use: [...], set: {{...}}}}.")
        return
    known = ("use", "set")
    for key in spec:
        if key not in known:
            yield Fault(
                str(key),
                f"unknown key.{did_you_mean(key, known)} Expected use or set: parameters go "
                "under `set`.",
            )


def _loss_faults(losses: Sequence[str] | None) -> Iterator[Fault]:
    for k, loss in enumerate(losses or ()):
        if not is_name(loss):
            yield Fault(
                "losses", f"{written(loss)} is no name. Use letters, digits and underscores."
            )
        if losses is not None and loss in losses[:k]:
            yield Fault("losses", f"{written(loss)} is there twice. Rename one of the two.")


def _used(spec: object, faults: list[Fault]) -> list[str]:
    """The named spaces, without the unknown ones."""
    use = spec.get("use") if isinstance(spec, Mapping) else None
    if use is None:
        return []
    if not isinstance(use, (list, tuple)):
        faults.append(Fault("use", f"{written(use)} is no list. Write [{written(use)}]."))
        return []
    found: list[str] = []
    for name in use:
        if name not in NAMED_SPACES:
            faults.append(Fault("use", f"{written(name)}: {unknown_space(name)}"))
        elif name in found:
            faults.append(Fault("use", f"{name} is there twice. Remove one of the two."))
        else:
            found.append(name)
    return sorted(found, key=lambda name: name not in PARTS)


def _fields_of_others(
    draft: Draft, fields: Collection[str] | None, settings: object
) -> Iterator[str]:
    """Parameters of additions that belong to fields of other problems."""
    if fields is None:
        return
    said = settings if isinstance(settings, Mapping) else {}
    for entry in draft.entries.values():
        family, _, field = entry.name.partition(".")
        if (
            family == "problem"
            and entry.source in ADDITIONS
            and entry.name not in said
            and field not in fields
        ):
            yield entry.name


def _part_faults(draft: Draft, losses: Sequence[str] | None) -> Iterator[Fault]:
    """Single losses of a template that the problem does not have."""
    if losses is None:
        return
    for part in draft.parts.values():
        if part.loss not in losses:
            yield Fault(
                f"set.{part.name}",
                f"no loss `{part.loss}`.{did_you_mean(part.loss, losses)} "
                f"The problem has {listing(losses) or 'none'}: write one of these.",
            )


def _parameters(
    entry: Entry, parts: Mapping[str, Entry], losses: Sequence[str] | None
) -> Iterator[Parameter]:
    """The parameter of an entry; of a template, one for each loss."""
    if not entry.per_loss:
        yield Parameter(entry.name, entry.domain, entry.all_conditions)
        return
    for k, loss in enumerate(losses or ()):
        name = f"{entry.name}.{loss}"
        own = Constant(1.0) if k == 0 else entry.domain
        domain = parts[name].domain if name in parts else own
        yield Parameter(name, domain, entry.all_conditions)
