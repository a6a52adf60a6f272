"""The system libraries WeasyPrint draws letters with: are they there, and if not, what to install."""

from __future__ import annotations

import io
import platform
import shutil
import sys
from contextlib import redirect_stdout

_BY_INSTALLER = {
    "apt-get": "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig",
    "dnf": "dnf install pango harfbuzz fontconfig",
    "apk": "apk add pango harfbuzz harfbuzz-subset fontconfig",
    "brew": "brew install pango",
}


def remedy() -> str:
    """One line that says what to install on this system."""
    if platform.system() == "Darwin":
        return f"PDFs need the library pango, which is missing: {_BY_INSTALLER['brew']}"
    here = next((line for installer, line in _BY_INSTALLER.items() if shutil.which(installer)), None)
    names = ("Debian/Ubuntu", "Fedora", "Alpine", "macOS")
    each = " · ".join(f"{name}: {line}" for name, line in zip(names, _BY_INSTALLER.values(), strict=True))
    return f"PDFs need the system library pango, which is missing: {here or each}"


def missing() -> bool:
    """Whether WeasyPrint finds no pango."""
    try:
        with redirect_stdout(io.StringIO()):  # it prints a page of its own
            import weasyprint.text.ffi  # noqa: F401, PLC0415  # loading the libraries is the question
    except OSError:
        return True
    return False


if __name__ == "__main__":
    sys.stdout.write(f"{remedy()}\n")
