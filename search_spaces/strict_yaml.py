"""YAML for settings: plain data or a refusal, and no surprises in between.

What is read: mappings with text keys, lists, text, numbers, true and false, null; one document.
What is refused: tags, anchors and aliases, duplicate keys, text that is not UTF-8, control
characters, and whatever is too large, too deep or too long to be settings.

Plain scalars follow YAML 1.2: `1e-3` is a number, `010` is ten, and `yes`, `on`, `1:30`,
`2024-01-01`, `1_000`, `.nan` and `.inf` are text. PyYAML scans and parses. Its composer recurses
and resolves aliases, and its constructor follows YAML 1.1, so the limits are checked while
composing, and the values are made here.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 20
_MAX_VALUES = 10_000

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# All of C0 but tab and line ends, DEL, C1 but NEL, lone surrogates, and the two non-characters.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class YamlError(ValueError):
    """Text that is no YAML, or YAML that is no settings file; with the place, counted from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


def read_yaml(text: str | bytes) -> Any:
    """Read one document of plain data; nothing at all is null."""
    text = _checked_text(text)
    loader = _Loader(text)
    try:
        return loader.read()
    except yaml.MarkedYAMLError as error:
        raise _at(error.problem_mark or error.context_mark, _advice(error)) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, YamlError):
            raise
        # Such as the escape "\UFFFFFFFF", which PyYAML hands to chr() unchecked.
        raise _at(
            loader.get_mark(), f"this is no YAML ({error}). Check the escapes near here."
        ) from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner and parser, with a composer that counts and values of YAML 1.2."""

    depth = 0
    values = 0

    def read(self) -> Any:
        self.get_event()  # type: ignore[no-untyped-call]  # the start of the stream
        if self.check_event(yaml.StreamEndEvent):
            return None
        document = self.compose_document()
        value = None if document is None else _value(document)
        if not self.check_event(yaml.StreamEndEvent):
            raise _at(
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
                "a second document begins, expected one. Keep one, and remove the line `---`.",
            )
        return value

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise _at(
                mark,
                f"`{sign}{event.anchor[:40]}`: anchors and aliases are not read. Write the value "
                "out, or put it in quotes if it is text.",
            )
        if event.tag is not None:
            raise _at(mark, f"tag `{event.tag[:40]}`: tags are not read. Remove it.")
        self.values += 1
        if self.values > _MAX_VALUES:
            raise _at(mark, f"more than {_MAX_VALUES} values. Settings are shorter: split them.")
        if isinstance(event, yaml.ScalarEvent):
            return super().compose_node(parent, index)
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _at(mark, f"nested deeper than {_MAX_DEPTH} levels. Flatten it.")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _checked_text(text: str | bytes) -> str:
    if len(text) > _MAX_BYTES:
        raise YamlError(
            1, 1, f"more than {_MAX_BYTES} bytes, expected settings. Shorten the file."
        )
    text = _decoded(text) if isinstance(text, bytes) else text
    text = text.removeprefix("\ufeff")
    if control := CONTROL.search(text):
        line, column = _place(text[: control.start()])
        raise YamlError(line, column, f"control character U+{ord(control[0]):04X}. Remove it.")
    if len(text.encode()) > _MAX_BYTES:
        raise YamlError(
            1, 1, f"more than {_MAX_BYTES} bytes, expected settings. Shorten the file."
        )
    return text


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8"))
        raise YamlError(line, column, "this is not UTF-8. Save the file as UTF-8.") from None


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _at(mark: Any, message: str) -> YamlError:
    return YamlError(mark.line + 1, mark.column + 1, message) if mark else YamlError(1, 1, message)


def _advice(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())[:200]
    if "'\\t'" in problem:
        return "a tab cannot begin a value. Indent with spaces."
    return f"{problem}. Check the indentation, colons, brackets and quotes near here."


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    text: str = node.value
    if control := CONTROL.search(text):
        raise _at(
            node.start_mark,
            f"the escape gives control character U+{ord(control[0]):04X}. Remove it.",
        )
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return _resolved(node, text) if plain else text


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        key = _value(key_node)
        if not isinstance(key, str):
            kind = "a collection" if isinstance(key, (list, dict)) else f"`{key_node.value}`"
            raise _at(
                mark, f"key {kind} is no text, expected a name. Put it in quotes, or use a list."
            )
        if key in found:
            raise _at(
                mark,
                f"key `{key}` is there twice, first in line {lines[key]}. Remove one of them.",
            )
        found[key] = _value(value_node)
        lines[key] = mark.line + 1
    return found


def _resolved(node: yaml.Node, text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INT.fullmatch(text):
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if _FLOAT.fullmatch(text):
            number = float(text)
            if abs(number) == float("inf"):
                raise ValueError
            return number
    except ValueError:  # of more than 4300 digits, or beyond the largest double
        raise _at(
            node.start_mark, f"`{text[:20]}` is too large a number. Write a smaller one."
        ) from None
    return text
