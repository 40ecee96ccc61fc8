"""What to type to install what is missing, in the name by which textrnn was installed."""

LIGHT = "textrnn-light"  # the distribution without what trains, see light/setup.py


def is_light() -> bool:
    """Whether this is the light install, which has no TensorFlow unless it was asked for."""
    import importlib.metadata  # 22 ms that starting the program need not take: something is missing, or nobody asks

    try:
        importlib.metadata.distribution(LIGHT)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def pip_install(extra: str) -> str:
    """The command that installs an extra.

    Example:
        >>> pip_install("fast")
        "pip install 'textrnn[fast]'"
    """
    return f"pip install '{LIGHT if is_light() else 'textrnn'}[{extra}]'"


def pip_install_all() -> str:
    """The command that installs all that training needs too."""
    return pip_install("train") if is_light() else "pip install textrnn"
