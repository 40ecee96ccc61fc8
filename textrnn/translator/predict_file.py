"""`textrnn translate --model`: texts in, translations out as they come, without TensorFlow."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.text.encodings import (
    BAD,
    BLOCK_BYTES,
    REPLACE,
    REPLACEMENT,
    STRICT,
    UndecodableError,
    checked_codec,
    decode,
)
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.lines import each_line
from textrnn.text.reader import Reading, open_sources, pieces, standard_input
from textrnn.text.unseen import unseen_in_words
from textrnn.translator import attention_picture as inspect_translation
from textrnn.translator.options import DecodeConfig
from textrnn.translator.predict import CHUNK, Translation, Translator


@contextlib.contextmanager
def read_texts(texts: Sequence[str], reading: Reading, warn: Callable[[str], None]) -> Iterator[Iterable[list[str]]]:
    """What is to be translated, in lists: texts, the lines of files, or those of standard input as they come.

    Args:
        texts: each a text or the name of a file; or `-` alone.
        reading: how a file is read; standard input is in its encoding, or UTF-8.
        warn: told what was guessed or replaced.

    Raises:
        DataError: there is nothing to translate, or it cannot be read.
    """
    if [*texts] == [STANDARD_INPUT]:
        yield _lines_as_they_come(reading, warn)
        return
    if STANDARD_INPUT in texts:
        raise ConfigError("- is standard input, which is translated alone: leave out the other texts")
    if not all(text.strip() for text in texts):
        raise DataError("the text is empty: there is nothing to translate")
    with contextlib.ExitStack() as stack:
        lines = list[str]()
        for text in texts:
            if os.path.isfile(text):
                sources = stack.enter_context(open_sources([text], reading, warn=warn))
                lines += each_line(pieces(sources[0]))
            else:
                lines.append(text)
        yield _in_lists(lines)


def _in_lists(lines: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(lines), CHUNK):
        yield lines[begin : begin + CHUNK]


def _lines_as_they_come(reading: Reading, warn: Callable[[str], None]) -> Iterator[list[str]]:
    """Lines of standard input: all that are there, and at least one."""
    source, codec = standard_input(), checked_codec(reading.encoding or "utf-8")
    waiting: queue.Queue[str | None] = queue.Queue(maxsize=4 * CHUNK)
    problems, num_bad = list[str](), 0
    blocks = iter(lambda: source.read1(BLOCK_BYTES), b"")

    def read() -> None:
        try:
            for line in each_line(decode(blocks, codec, STRICT if reading.strict else REPLACE)):
                waiting.put(line)
        except UndecodableError as error:
            problems.append(
                f"standard input is not {codec} at offset {error.offset}: name its encoding with --encoding"
            )
        except (OSError, ValueError) as error:
            problems.append(f"standard input cannot be read: {error}")
        finally:
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    is_open, count = True, 0
    while is_open:
        some = [waiting.get()]
        while len(some) < CHUNK and some[-1] is not None:
            try:
                some.append(waiting.get_nowait())
            except queue.Empty:
                break
        lines = [line for line in some if line is not None]
        num_bad += sum(line.count(BAD) for line in lines)
        is_open, count = len(lines) == len(some), count + len(lines)
        if lines:
            yield [line.replace(BAD, REPLACEMENT) for line in lines]
    if problems:
        raise DataError(problems[0])
    if num_bad:
        places = f"{num_bad:,} places" if num_bad > 1 else "1 place"
        warn(f"standard input is {codec} but for {places}: replaced by U+FFFD (--strict-encoding refuses)")
    if not count:
        raise DataError("standard input is empty: there is nothing to translate")


def translated(
    model: Translator,
    texts: Iterable[list[str]],
    options: DecodeConfig,
    *,
    as_json: bool,
    warn: Callable[[str], None],
) -> Iterator[str]:
    """A line for each text: the translation, or an object with `source`, `text`, `nats`, `status`, and `unseen` if the
    model never saw something of the text."""
    num_cut, num_strange, strange = 0, 0, dict[str, None]()
    for some in texts:
        for source, found in zip(some, model.some(some, options), strict=True):
            num_cut += found.is_cut
            unseen = model.unseen(source)
            num_strange += bool(unseen)
            strange.update(dict.fromkeys(unseen))
            yield (_object(source, found, unseen) if as_json else found.text) + "\n"
    if strange:
        warn(f"warning: {unseen_in_words(strange, num_strange)}")
    if num_cut:
        most = model.config.pairs.max_length
        are = "texts are" if num_cut > 1 else "text is"
        warn(f"warning: {num_cut:,} {are} longer than the {most} tokens this model reads: the rest was left out")


def _object(source: str, found: Translation, unseen: tuple[str, ...]) -> str:
    status = "truncated" if found.is_cut else "ok" if found.is_whole else "cut"
    status = status if source.strip() else "empty"
    values: dict[str, Any] = dict(source=source, text=found.text, nats=found.nats, status=status)
    values |= {"unseen": unseen} if unseen else {}
    return json.dumps(values, ensure_ascii=False)


def draw_attention(
    model: Translator, text: str, options: DecodeConfig, path: str, *, warn: Callable[[str], None]
) -> None:
    """Draws what each token of a translation attends to, the mean over the layers, into a PNG file.

    Args:
        model: an encoder-decoder.
        text: to translate.
        options: how.
        path: where to.
        warn: told what the picture cannot show.

    Raises:
        ConfigError: the model has no attention.
        RunError: the file cannot be written.
    """
    found = model.attention(text, beam=options.beam, length_penalty=options.length_penalty)
    try:
        inspect_translation.draw_attention(Path(path), found, warn=lambda line: warn(f"warning: {line}"))
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}; choose another file for --attention") from None
