"""Directives that make tables, diagrams and help texts from the code itself.

What the documentation says of modes, states and commands cannot differ from what the
program does: it is made anew at each build.

========================= ==========================================================
``tpo-modes``             the table of the five modes
``tpo-states``            what each state, input or effect means (argument: which)
``tpo-transitions``       the table of an attribute's life
``tpo-life``              the same life as a diagram
``tpo-conditions``        what an attribute's state is called, and what it means
``tpo-differences``       what is different from stock Taurus, and why
``tpo-sequence``          who says what to whom, as a diagram (argument: which)
``tpo-settings``          the table of the settings
``tpo-options``           the options of ``taurus`` that the plugin adds
``tpo-commands``          the help of each ``taurus tpo`` command
``tpo-timeouts``          all timeouts and periods
========================= ==========================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import click
from diagrams import LIFE, label, life, life_notes, sequence_diagram, words
from docutils import nodes
from docutils.statemachine import StringList
from sequences import SEQUENCES
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.mermaid import Mermaid, mermaid
from stories import EXAMPLES
from timeouts import timeouts

from taurus_tpo.core import lifecycle, modes, settings, status
from taurus_tpo.core.lifecycle import TABLE, Effect, Input, State
from tests.differential import differences

#: The width of a help text, characters.
WIDTH = 84


class _FromCode(SphinxDirective):
    """A directive whose :meth:`text` is reStructuredText."""

    def text(self) -> Iterable[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        # Made from code that no source file of the docs includes: always read again.
        self.env.note_reread()
        for module in (settings, status, modes, lifecycle, differences):
            self.env.note_dependency(str(module.__file__))
        container = nodes.Element()
        source = f"<{self.name}>"
        self.state.nested_parse(StringList(list(self.text()), source), 0, container)
        return container.children


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[int] = (),
) -> Iterable[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    if widths:
        yield f"   :widths: {' '.join(map(str, widths))}"
    yield ""
    for row in (head, *rows):
        for index, cell in enumerate(row):
            yield f"   {'  ' if index else '* '}- {cell}".rstrip()
    yield ""


def _yes(word: object) -> str:
    return {True: "yes", False: "no"}.get(word, str(word))  # type: ignore[call-overload]


class Modes(_FromCode):
    def text(self) -> Iterable[str]:
        head = (
            "mode",
            "tries before returning",
            "raises on failure",
            "retries by itself",
            "reads",
            "first callback",
        )
        return _table(head, map(self._row, modes.MODES))

    @staticmethod
    def _row(mode: modes.SubMode) -> Sequence[str]:
        default = " (default)" if mode is modes.DEFAULT else ""
        facts = (mode.tries, mode.raises, mode.retries)
        words = (mode.reads.value, mode.first_callback.value)
        return (f"**{mode.name}**{default}", *map(_yes, facts), *words)


class States(_FromCode):
    required_arguments = 1

    def text(self) -> Iterable[str]:
        kinds = {"states": State, "inputs": Input, "effects": Effect}
        for member in kinds[self.arguments[0]]:
            yield label(member)
            yield f"   {member.value}"
            yield ""


class Conditions(_FromCode):
    def text(self) -> Iterable[str]:
        told = {facts.state for facts, _ in EXAMPLES}
        shown = {status.condition(facts) for facts, _ in EXAMPLES}
        if missing := (set(State) - told) | (set(status.Condition) - shown):
            raise self.error(f"no example of {missing}")
        # As the program itself sorts them, what is wrong first.
        order = list(status.Condition)
        rows = [
            (f"**{status.condition(facts).value}**", status.tell(facts), meaning)
            for facts, meaning in sorted(
                EXAMPLES, key=lambda one: order.index(status.condition(one[0]))
            )
        ]
        head = ("word", "what is told", "what that means")
        return _table(head, rows, widths=(14, 40, 46))


class Differences(_FromCode):
    """What is meant to differ from stock Taurus; where that is wrong, apart."""

    def text(self) -> Iterable[str]:
        yield from self._list(wrong=False)
        yield "Where stock Taurus is wrong, and the plugin is not:"
        yield ""
        yield from self._list(wrong=True)

    @staticmethod
    def _list(wrong: bool) -> Iterable[str]:
        for one in differences.TABLE:
            if one.stock_is_wrong is wrong:
                yield f"* {one.words} {one.reason}"
        yield ""


class Transitions(_FromCode):
    def text(self) -> Iterable[str]:
        order = [(state, given) for state in State for given in Input]
        rows = [
            (
                f"**{label(state)}**",
                label(given),
                label(TABLE[state, given].state),
                ", ".join(map(label, TABLE[state, given].effects)),
            )
            for state, given in order
        ]
        return _table(("state", "input", "next state", "effects, in this order"), rows)


class _Diagram(Mermaid):
    """A directive that makes its Mermaid text and its caption from the code."""

    has_content = False
    optional_arguments = 0
    title = ""

    def run(self) -> list[nodes.Node]:
        self.state.document.settings.env.note_reread()
        self.options.update(caption=self.title, alt=self.title)
        return list(super().run())


class Life(_Diagram):
    """The state diagram of an attribute, and what it leaves out."""

    title = LIFE

    def get_mm_code(self) -> str:
        return "\n".join(life())

    def run(self) -> list[nodes.Node]:
        lines = [nodes.line("", note) for note in life_notes()]
        return [*super().run(), nodes.line_block("", *lines)]


class SequenceDiagram(_Diagram):
    """A sequence as a diagram, and in words."""

    required_arguments = 1
    final_argument_whitespace = True

    def get_mm_code(self) -> str:
        return "\n".join(sequence_diagram(self.sequence))

    def run(self) -> list[nodes.Node]:
        if self.arguments[0] not in SEQUENCES:
            raise self.error(f"no such sequence; there are {', '.join(SEQUENCES)}")
        self.sequence = SEQUENCES[self.arguments[0]]
        self.title = self.sequence.title
        told = nodes.enumerated_list("", enumtype="arabic", suffix=".")
        for line in words(self.sequence):
            told += nodes.list_item("", nodes.paragraph("", line))
        opened = "<details><summary>The same in words</summary>"
        return [
            *super().run(),
            nodes.raw("", opened, format="html"),
            told,
            nodes.raw("", "</details>", format="html"),
        ]


class Settings(_FromCode):
    def text(self) -> Iterable[str]:
        head = ("name", "type", "default", "unit", "since", "meaning")
        rows = [
            (
                f"``{one.name}``",
                one.type,
                f"``{one.literal}``",
                one.unit,
                one.since,
                one.meaning,
            )
            for one in settings.ALL
        ]
        return _table(head, rows, widths=(30, 16, 18, 8, 8, 40))


class Options(_FromCode):
    def text(self) -> Iterable[str]:
        from taurus_tpo.cli import options

        @click.command("taurus")
        def command() -> None:
            pass

        for option in options.ALL:
            command = option(command)
        context = click.Context(command, info_name="taurus")
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if record is not None and "--help" not in parameter.opts:
                yield f"``{record[0]}``"
                # As a text, so that a glob's stars are no emphasis.
                yield f"   {record[1].replace('*', chr(92) + '*')}"
                yield ""


class Commands(_FromCode):
    def text(self) -> Iterable[str]:
        from taurus_tpo.cli import tpo

        parent = click.Context(click.Group("taurus"), info_name="taurus")
        context = click.Context(tpo, parent=parent, info_name="tpo")
        for name in tpo.list_commands(context):
            command = tpo.get_command(context, name)
            if command is None:
                continue
            inner = click.Context(
                command, parent=context, info_name=name, terminal_width=WIDTH
            )
            yield f".. rubric:: taurus tpo {name}"
            yield ""
            yield "::"
            yield ""
            for line in command.get_help(inner).splitlines():
                yield f"   {line}".rstrip()
            yield ""


class Timeouts(_FromCode):
    def text(self) -> Iterable[str]:
        rows = ((one.value, one.meaning, f"``{one.name}``") for one in timeouts())
        return _table(("time", "what it is", "constant"), rows, (10, 60, 30))


def _load_mermaid(
    app: Sphinx, _page: str, _template: str, _context: object, doctree: nodes.Node
) -> None:
    """Load the copy of Mermaid, on pages with a diagram only.

    The extension imports a module, which browsers refuse to read from a file: the copy
    is a plain script, and a module in a data URL stands for it.
    """
    if doctree is not None and doctree.next_node(mermaid) is not None:
        app.add_js_file(app.config.tpo_mermaid, priority=400)
        module = "data:text/javascript,export default globalThis.mermaid"
        imports = {"imports": {app.config.mermaid_use_local: module}}
        app.add_js_file(None, body=json.dumps(imports), type="importmap", priority=400)


def setup(app: Sphinx) -> dict[str, object]:
    """Add the directives; called by Sphinx."""
    directives = {
        "tpo-modes": Modes,
        "tpo-states": States,
        "tpo-conditions": Conditions,
        "tpo-transitions": Transitions,
        "tpo-life": Life,
        "tpo-differences": Differences,
        "tpo-sequence": SequenceDiagram,
        "tpo-settings": Settings,
        "tpo-options": Options,
        "tpo-commands": Commands,
        "tpo-timeouts": Timeouts,
    }
    app.add_config_value("tpo_mermaid", "", "html")
    app.connect("html-page-context", _load_mermaid)
    for name, directive in directives.items():
        app.add_directive(name, directive)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
