"""Python and its packages: which are there, whether they can be imported, and what those that are missing are for."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn import __version__
from textrnn.base.install import LIGHT, is_light, pip_install, pip_install_all
from textrnn.base.machine import cpu_flags
from textrnn.doctor.part import Part, anonymous


@dataclass(frozen=True)
class Package:
    """A package that textrnn uses.

    Attributes:
        name: what pip calls it.
        module: what is imported.
        extra: the extra of textrnn that it comes with; "" for one that a whole install has.
        use: what it is for, if it is an extra.
    """

    name: str
    module: str = ""
    extra: str = ""
    use: str = ""

    @property
    def imports(self) -> str:
        """The module."""
        return self.module or self.name

    @property
    def command(self) -> str:
        """What installs it."""
        return pip_install(self.extra) if self.extra else pip_install_all()


# What runs models needs the first group; training needs the second one too.
NEEDED = (
    *map(Package, ("numpy", "safetensors", "rich", "threadpoolctl", "jinja2", "starlette", "uvicorn")),
    Package("charset-normalizer", "charset_normalizer"),
)
TRAINING = (
    Package("tensorflow"),
    Package("keras"),
    Package("scikit-learn", "sklearn"),
    Package("matplotlib"),
    Package("sacrebleu"),
    Package("python-dateutil", "dateutil"),
    Package("tokenizers"),
)
EXTRAS = (
    Package("ai-edge-litert", "ai_edge_litert", "fast", "generate many times as fast, in int8"),
    Package("rjieba", extra="chinese", use="words of Chinese texts"),
    Package("onnx", extra="export", use="export --to onnx"),
    Package("beautifulsoup4", "bs4", "html", "the text of web pages and EPUB books"),
    Package("openpyxl", extra="excel", use="tables in workbooks (.xlsx)"),
    Package("pyarrow", extra="parquet", use="tables in Parquet"),
)
EVERY = (*NEEDED, *TRAINING, *EXTRAS)


def there(package: Package) -> bool:
    """Whether a package is there; nothing is imported."""
    try:
        return importlib.util.find_spec(package.imports) is not None
    except (ImportError, ValueError):
        return False


def python() -> Part:
    """The interpreter, and where it lives."""
    words = f"{platform.python_version()}, {platform.python_implementation()}, {_place()}"
    values = dict(version=platform.python_version(), implementation=platform.python_implementation(), place=_place())
    return Part("python", [words], values)


def textrnn() -> Part:
    """This program, and how it came here."""
    way = _way()
    return Part("textrnn", [f"{__version__}, {way}"], dict(version=__version__, installed=way))


def packages(found: Mapping[str, Mapping[str, Any]]) -> list[Part]:
    """All packages.

    Args:
        found: what `probe.imported` says of those that are there.
    """
    return [_needed(found), _numpy(found.get("numpy")), _training(found), _extras(found)]


def _needed(found: Mapping[str, Mapping[str, Any]]) -> Part:
    missing = [f"{each.name} is missing, and models need it: {each.command}" for each in NEEDED if not there(each)]
    return Part("packages", [_listed(NEEDED)], _versions(NEEDED), missing + _broken(NEEDED, found))


def _numpy(known: Mapping[str, Any] | None) -> Part:
    """The library with which NumPy multiplies."""
    libraries = list((known or {}).get("blas", []))
    lines = [
        f"{each['internal_api']} {each['version']} for {each['architecture']}, {each['num_threads']} threads"
        for each in libraries
    ]
    return Part("blas", lines or ["not known"], dict(libraries=libraries))


def _training(found: Mapping[str, Mapping[str, Any]]) -> Part:
    lines = [_listed(TRAINING)] if any(map(there, TRAINING)) else []
    missing = [each.name for each in TRAINING if not there(each)]
    if missing:
        lines.append(f"not there: {', '.join(missing)}")
        lines.append(f"training needs all of them: {TRAINING[0].command}")
    if "tensorflow" in missing and sys.version_info >= (3, 14):
        lines.append("TensorFlow needs Python 3.10 to 3.13")
    return Part("training", lines, _versions(TRAINING), _broken(TRAINING, found))


def _extras(found: Mapping[str, Mapping[str, Any]]) -> Part:
    lines = [_listed(EXTRAS)] if any(map(there, EXTRAS)) else []
    lines += [f"not there: {each.name}, for {each.use}: {each.command}" for each in EXTRAS if not there(each)]
    return Part("extras", lines, _versions(EXTRAS), _broken(EXTRAS, found))


def _broken(group: tuple[Package, ...], found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What could not be imported, though it is there."""
    problems = []
    for each in group:
        if error := found.get(each.imports, {}).get("error"):
            again = f"pip install --force-reinstall {each.name}"
            problems.append(
                f"{each.name} {_version(each)} cannot be imported, {anonymous(error)}: {_advice(each) or again}"
            )
    return problems


def _advice(package: Package) -> str | None:
    """What to do if a package cannot be imported and installing it again would not help."""
    if package.name == "tensorflow" and cpu_flags() and "avx" not in cpu_flags():
        return "its packages need a processor with AVX; train on another machine, all else works on this one"
    return None


def _listed(group: tuple[Package, ...]) -> str:
    return ", ".join(f"{each.name} {_version(each)}" for each in group if there(each))


def _versions(group: tuple[Package, ...]) -> dict[str, str | None]:
    return {each.name: _version(each) if there(each) else None for each in group}


def _version(package: Package) -> str:
    try:
        return importlib.metadata.version(package.name)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _way() -> str:
    """How textrnn was installed."""
    try:
        distribution = importlib.metadata.distribution(LIGHT if is_light() else "textrnn")
        direct = json.loads(distribution.read_text("direct_url.json") or "{}")
        installer = (distribution.read_text("INSTALLER") or "").strip()
    except (importlib.metadata.PackageNotFoundError, ValueError, OSError):
        return "from a checkout, not installed"
    if not installer:
        return "from a checkout, not installed"
    if direct.get("dir_info", {}).get("editable"):
        return f"by {installer}, as a checkout that can be edited"
    return f"by {installer}" + (", from a file or folder" if direct else "")


def _place() -> str:
    """What kind of environment the interpreter belongs to."""
    parts = Path(sys.prefix).parts
    if "pipx" in parts:
        return "in an environment of pipx"
    if "uv" in parts and "tools" in parts:
        return "in an environment of uv"
    if Path(sys.prefix, "conda-meta").is_dir():
        return "in an environment of conda"
    return "in a virtual environment" if sys.prefix != sys.base_prefix else "of the system"
