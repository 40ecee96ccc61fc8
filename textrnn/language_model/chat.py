"""Conversations as one text: how messages are joined for a model that goes on with texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textrnn.base.config import TEXT, Checked, option
from textrnn.base.errors import ConfigError
from textrnn.base.escapes import unescape

DEFAULT_TEMPLATE = "user: {user}\nassistant: {assistant}\n"
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"
_FIELDS = "{user}", "{assistant}"


@dataclass(frozen=True)
class ChatTemplate:
    r"""How a message of the user and the answer to it are written, one after the other.

    Args:
        text: with `{user}` and then `{assistant}` in it. What stands between them belongs to the message up to its last
            line end, and to the answer from there on.

    Raises:
        ConfigError: one of the two is missing, comes twice, or they are in the other order.

    Example:
        >>> template = ChatTemplate("Ann: {user}\nBob: {assistant}\n")
        >>> template.prompt([("user", "Tea?"), ("assistant", "Yes."), ("user", "Milk?")])
        'Ann: Tea?\nBob: Yes.\nAnn: Milk?\nBob: '
        >>> template.stop
        '\n'
    """

    text: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        places = [self.text.find(name) for name in _FIELDS]
        if not 0 <= places[0] < places[1] or any(self.text.count(name) > 1 for name in _FIELDS):
            raise ConfigError(
                f"--chat-template is {self.text!r:.80}: expected one text with {{user}} and, behind it, {{assistant}}"
            )

    def _parts(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What stands before and behind the user's message, and before and behind the answer."""
        before, rest = self.text.split(_FIELDS[0])
        between, behind = rest.split(_FIELDS[1])
        cut = between.rfind("\n") + 1
        return (before, between[:cut]), (between[cut:], behind)

    @property
    def stop(self) -> str:
        """The text that ends an answer; empty where nothing does."""
        (before, _), (_, behind) = self._parts()
        return behind or before

    def prompt(self, messages: Iterable[tuple[str, str]]) -> str:
        """The text that an answer goes on from.

        Args:
            messages: of each the role and what was said; what is neither of the user nor an answer stands alone, on
                lines of its own.
        """
        (before, after), (begin, end) = self._parts()
        said = list[str]()
        for role, content in messages:
            if role == ASSISTANT:
                said.append(f"{begin}{content}{end}")
            else:
                said.append(f"{before}{content}{after}" if role == USER else f"{content}\n")
        return "".join([*said, begin])


@dataclass(frozen=True)
class ChatConfig(Checked):
    """How conversations are written in the corpus."""

    section = TEXT

    chat_template: str | None = option(
        None,
        r"How messages and answers alternate in a corpus of conversations, for serve, such as "
        r"'Ann: {user}\nBob: {assistant}\n'.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.template()

    def template(self) -> ChatTemplate:
        """The template that was given, or the usual one."""
        return ChatTemplate() if self.chat_template is None else ChatTemplate(unescape(self.chat_template))
