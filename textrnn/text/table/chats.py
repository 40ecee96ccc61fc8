"""Conversations in JSON, as language models are tuned on them: what was asked is a text, and the answer its label.

Example: `{"messages": [{"role": "user", "content": "a fine film"}, {"role": "assistant", "content": "good"}]}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT, LABEL = "text", "label"
_SPEAKERS, _CONTENTS = ("role", "from"), ("content", "value", "parts")  # members of a message
_ANSWERING = {"role": "assistant", "from": "gpt"}  # who answers
_ANSWERERS = frozenset({*_ANSWERING.values(), "model", "bot"})
_SETTING = "system"  # who says only what all texts are asked
_KNOWN = _ANSWERERS | {_SETTING, "user", "human"}


def chat_key(values: Mapping[str, Any]) -> str | None:
    """The key of the only conversation in an object; None if there is none, or mail between persons.

    Example:
        >>> chat_key({"id": 7, "mails": [{"from": "ann", "content": "a fine film"}]}) is None
        True
    """
    found = [key for key, own in values.items() if isinstance(own, list) and _is_chat(own)]
    return found[0] if len(found) == 1 else None


def plain_chat(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object whose conversation is a text: of one question, with its answer as the label; else with all answers.

    Example:
        >>> said = [{"from": "human", "value": "a fine film"}, {"from": "gpt", "value": "good"}]
        >>> plain_chat({"id": 7, "conversations": said}, "conversations")
        {'id': 7, 'conversations': {'text': 'a fine film', 'label': 'good'}}
    """
    said = [one for one in values[key] if _speaker(one) != _SETTING]
    asked = [one for one in said if not _is_answer(one)]
    if len(asked) == 1 and said[0] == asked[0]:
        label = _content(said[1]) if len(said) > 1 else None
        return {**values, key: {TEXT: _content(asked[0]), LABEL: label}}
    return {**values, key: {TEXT: "\n".join(map(_content, said))}}


def answer(messages: list[dict[str, Any]], label: str) -> None:
    """Gives a conversation another last answer."""
    last = messages[-1]
    speaker, content = _member(last, _SPEAKERS), _member(last, _CONTENTS)
    said: Any = [{"text": label}] if isinstance(last[content], list) else label
    if _is_answer(last):
        last[content] = said
    else:
        messages.append({speaker: "model" if content == "parts" else _ANSWERING[speaker], content: said})


def _is_chat(messages: list[Any]) -> bool:
    """Whether all of a list are messages, and some of a model or its user."""
    return all(map(_is_message, messages)) and any(_speaker(one) in _KNOWN for one in messages)


def _is_message(one: Any) -> bool:
    if not isinstance(one, dict):
        return False
    speaker, content = _member(one, _SPEAKERS), _member(one, _CONTENTS)
    return isinstance(one.get(speaker), str) and isinstance(one.get(content), (str, list))


def _is_answer(message: Mapping[str, Any]) -> bool:
    return _speaker(message) in _ANSWERERS


def _speaker(message: Mapping[str, Any]) -> str:
    return str(message[_member(message, _SPEAKERS)])


def _member(message: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in message), names[0])


def _content(message: Mapping[str, Any]) -> str:
    content = message[_member(message, _CONTENTS)]
    parts = [content] if isinstance(content, str) else content
    return "".join(str(part.get("text", "") if isinstance(part, dict) else part) for part in parts)
