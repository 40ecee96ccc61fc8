"""textrnn-light: what ../setup.cfg describes, without the packages that only some uses need; these become extras."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.config.setupcfg import read_configuration

# What runs every model. tokenizers is not among them: it brings what reaches model hubs, a third of the whole.
RUNS = {
    "charset-normalizer",
    "click",
    "jinja2",
    "numpy",
    "rich",
    "safetensors",
    "starlette",
    "threadpoolctl",
    "uvicorn",
}
EXTRAS = ("chinese", "fast", "export", "html", "excel", "parquet")

root = Path(__file__).resolve().parent.parent
shutil.copy(root / "LICENSE", root / "light")  # a distribution holds no file from outside of its folder
config = read_configuration(root / "setup.cfg")
metadata, options = config["metadata"], config["options"]
needed = {re.split(r"[<>=]", line)[0]: line for line in options["install_requires"]}

setup(
    name="textrnn-light",
    version=metadata["version"],
    description="Run recurrent networks that textrnn has trained: write, score and label text with NumPy alone",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license=metadata["license"],
    python_requires=str(options["python_requires"]),
    package_dir={"": ".."},
    packages=options["packages"],
    package_data=options["package_data"],
    entry_points=options["entry_points"],
    install_requires=[line for name, line in needed.items() if name in RUNS],
    extras_require={
        **{extra: options["extras_require"][extra] for extra in EXTRAS},
        "train": [line for name, line in needed.items() if name not in RUNS],
    },
)
