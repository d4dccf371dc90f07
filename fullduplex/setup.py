"""Says whether to compile, and what; pyproject.toml says the rest.

Every ``.pyx`` below src becomes a native module.  The environment variable FULLDUPLEX_NATIVE decides: 0
compiles nothing; 1 fails where something can't be compiled; otherwise that is left out, and the library does
without it.
"""

import logging
import os
import sys
from pathlib import Path

from setuptools import Extension, setup

SWITCH = os.environ.get("FULLDUPLEX_NATIVE")
KERNELS = "src/fullduplex/kernels"


def native_modules() -> list[Extension]:
    """Translate every ``.pyx`` to C, in build/, and return the modules to compile."""
    if SWITCH == "0":
        return []
    try:
        from Cython.Build import cythonize
        from Cython.Compiler.Errors import CompileError

        modules = cythonize(
            [extension(path) for path in sorted(Path("src").rglob("*.pyx")) if is_for_here(path)],
            build_dir="build/cython",
            include_path=["src"],
        )
    except (ImportError, CompileError) as error:
        if SWITCH == "1":
            raise
        logging.getLogger("fullduplex").warning("Without native modules: %s", error)
        return []
    for module in modules:
        # Not an argument above: cythonize() loses it.
        module.optional = SWITCH != "1"
    return modules


def is_for_here(path: Path) -> bool:
    """Tell whether this system has what a native module is about: only Linux has epoll."""
    return sys.platform == "linux" or path.stem != "engine"


def extension(path: Path) -> Extension:
    """Return what is compiled from one ``.pyx``."""
    return Extension(
        ".".join(path.relative_to("src").with_suffix("").parts),
        [str(path)],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/kernels.h"],
        extra_compile_args=["-O3"],
    )


setup(ext_modules=native_modules())
