"""A draft: the parameters of a space while definitions are added to it and change it.

Parameters are kept flat, by their full name. One that an option brings has that option as its
owner, so narrowing or fixing a choice leaves what the remaining options bring as it is; what no
remaining option brings is left out in the end, by `relations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from search_spaces.changes import new_domain
from search_spaces.conditions import Condition, Equals, possible
from search_spaces.definitions import Definition, read_definition
from search_spaces.domains import Choice, Domain
from search_spaces.faults import Fault, Refused, refuse
from search_spaces.membership import (
    no_such_child,
    only_an_option,
    option_names,
    option_removed,
    splits,
)
from search_spaces.names import is_name
from search_spaces.values import Value, written


@dataclass(frozen=True)
class Entry:
    """A parameter in a draft; `source` is where its conditions were written."""

    name: str
    domain: Domain
    owner: Condition | None
    conditions: tuple[Condition, ...]
    source: str
    per_loss: bool = False
    # Of a single loss of a template: which one.
    loss: str = ""

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """That the owner is chosen, and what else must hold."""
        return self.conditions if self.owner is None else (self.owner, *self.conditions)


@dataclass
class Draft:
    """Grows by `add`; what could not be added is in `faults`, its names in `refused`."""

    entries: dict[str, Entry] = field(default_factory=dict)
    # Single losses of a template, set apart from the others.
    parts: dict[str, Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    # Of each choice as first defined: its options, with the names of what each brings.
    brought: dict[str, dict[Value, list[str]]] = field(default_factory=dict)

    def add(self, definitions: Mapping[str, object], source: str) -> None:
        """Add or change parameters; those of options last, when their choices are known."""
        children = []
        for name, raw in definitions.items():
            if self._is_child(name, definitions):
                children.append((name, raw))
            else:
                self._put(name, raw, source, None)
        for name, raw in children:
            self._put_child(name, raw, source)

    def settle(self) -> None:
        """See to the conditions that a named space has on a parameter of another one.

        Where that is not used, its parameter would have its default and the condition would hold:
        it is left out. Where it is set, which is later, what depends on it comes behind.
        """
        for entry in list(self.entries.values()):
            if entry.source != "set":
                known = tuple(c for c in entry.conditions if c.parent in self.entries)
                self.entries[entry.name] = replace(entry, conditions=known)
                names = list(self.entries)
                if any(names.index(c.parent) > names.index(entry.name) for c in known):
                    self._put_last(entry.name, set())

    def _put_last(self, name: str, moved: set[str]) -> None:
        """Move a parameter to the end, and behind it what depends on it."""
        moved.add(name)
        self.entries[name] = self.entries.pop(name)
        for other in list(self.entries.values()):
            if other.name not in moved and any(c.parent == name for c in other.all_conditions):
                self._put_last(other.name, moved)

    def leave_out(self, names: Iterable[str]) -> None:
        """Remove parameters; what is known of their options stays, to refuse what is said of them."""
        for name in list(names):
            del self.entries[name]

    def _is_child(self, name: object, definitions: Mapping[str, object]) -> bool:
        """Whether the name belongs to an option of a choice, or to a template."""
        for prefix, rest in splits(name):
            raw = definitions.get(prefix)
            options = {str(option) for option in self.brought.get(prefix, ())} | option_names(raw)
            template = isinstance(raw, Mapping) and "per_loss" in raw
            if template or self._is_template(prefix) or rest.split(".")[0] in options:
                return True
        return False

    def _is_template(self, name: str) -> bool:
        return name in self.entries and self.entries[name].per_loss

    def _put(self, name: str, raw: object, source: str, owner: Condition | None) -> None:
        """Add one parameter, or change it, and go on to what its options bring."""
        closed = name in self.brought
        try:
            _check_name(name, f"{source}.{name}")
            definition = read_definition(raw, f"{source}.{name}")
            self._place(name, definition, source, owner)
        except Refused as refused:
            self.faults += refused.faults
            self.refused.add(name)
        options = raw.get("choice") if isinstance(raw, Mapping) else None
        for option, children in options.items() if isinstance(options, Mapping) else ():
            if not isinstance(children, Mapping):
                continue
            for child, child_raw in children.items():
                full = f"{name}.{option}.{child}"
                if closed:
                    self._put_child(full, child_raw, source)
                elif option in self.brought.get(name, {}):
                    self.brought[name][option].append(str(child))
                    self._put(full, child_raw, source, Condition(name, Equals(option)))

    def _place(
        self, name: str, definition: Definition, source: str, owner: Condition | None
    ) -> None:
        path = f"{source}.{name}"
        old = self.entries.get(name)
        template = definition.inner is not None
        if old and definition.kind != "rest" and template != old.per_loss:
            raise refuse(
                path,
                f"it has one value for each loss. Write {{per_loss: ...}}, or `{name}.<loss>` "
                "for one of them."
                if old.per_loss
                else "it has one value for all losses. Write it without per_loss.",
            )
        domain = new_domain(definition.inner or definition, old.domain if old else None, path)
        entry = old or Entry(name, domain, owner, (), source, per_loss=template)
        entry = replace(entry, domain=domain)
        if definition.conditions is not None:
            entry = replace(entry, conditions=definition.conditions, source=source)
        self.entries[name] = entry
        if isinstance(domain, Choice):
            self.brought.setdefault(name, {option: [] for option in domain.options})

    def _put_child(self, name: str, raw: object, source: str) -> None:
        """Change what an option brings, or one loss of a template; nothing can be added there."""
        try:
            for prefix, rest in ((name, ""), *splits(name)):
                if prefix in self.entries:
                    self._check_owner(self.entries[prefix], f"{source}.{name}")
                if not rest and name in self.entries:
                    self._put(name, raw, source, None)
                    return
                if self._is_template(prefix):
                    self._put_part(self.entries[prefix], rest, raw, source)
                    return
                self._check_member(prefix, rest, f"{source}.{name}")
        except Refused as refused:
            self.faults += refused.faults
            self.refused.add(name)

    def _check_owner(self, entry: Entry, path: str) -> None:
        """Refuse to change what belongs to an option that was narrowed away, at any depth."""
        if entry.owner is None or not isinstance(entry.owner.test, Equals):
            return
        self._check_owner(self.entries[entry.owner.parent], path)
        choice, option = entry.owner.parent, entry.owner.test.value
        domain = self.entries[choice].domain
        if not possible(entry.owner.test, domain):
            left = domain.options if isinstance(domain, Choice) else (domain.initial,)
            raise refuse(path, option_removed(option, choice, left))

    def _check_member(self, choice: str, rest: str, path: str) -> None:
        """Refuse a name that an option of this choice ought to have and has not."""
        piece, _, child = rest.partition(".")
        brought = self.brought.get(choice, {})
        for option in brought:
            if piece == str(option):
                raise refuse(
                    path,
                    no_such_child(child, option, brought)
                    if child
                    else only_an_option(option, choice),
                )

    def _put_part(self, template: Entry, loss: str, raw: object, source: str) -> None:
        name = f"{template.name}.{loss}"
        path = f"{source}.{name}"
        _check_name(name, path)
        definition = read_definition(raw, path)
        if definition.inner or definition.brings or definition.conditions is not None:
            raise refuse(path, "one loss takes a value, a range or a list. Write only that.")
        domain = new_domain(definition, template.domain, path)
        self.parts[name] = replace(template, name=name, domain=domain, per_loss=False, loss=loss)


def _check_name(name: object, path: str) -> None:
    if not is_name(name):
        raise refuse(
            path,
            f"{written(name)} is no name for a parameter. Use letters, digits and underscores, "
            "with dots between parts, 200 characters at most.",
        )
