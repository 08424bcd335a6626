"""The pictures of docs/landscapes.md: `python -m tools.landscape_images` writes them anew.

They are those of `causalopt landscapes`, smaller and in fewer colours. Each says in itself which
study it is of, by which a test sees that one is stale.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, PngImagePlugin

from causalopt import landscapes
from causalopt.studies.study_session import picture_bytes, picture_name

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
PICTURES: dict[str, list[dict[str, int | str]]] = {
    "lorenz_equilibria": [
        {"figure": 0, "measure": "op"},
        {"figure": 1, "measure": "op"},
        {"figure": 4, "measure": "op"},
        {"figure": 4, "measure": "comp"},
    ],
    "lorenz_poincare": [{"figure": 3, "measure": "op"}],
    "lorenz_horizons": [{"figure": 0, "measure": "op"}, {"figure": 1, "measure": "op"}],
    "lorenz_rates": [{}],
    "thermostat_power": [{"measure": "op"}],
    "thermostat_band": [{"measure": "op"}],
    "pid_gains": [{"measure": "op"}],
}
COLOURS = 192
DPI = 80.0


def main() -> None:
    """Compute the studies and write the pictures."""
    found = landscapes(list(PICTURES))
    for name, pictures in PICTURES.items():
        result = found.results[name]
        for which in pictures:
            content = picture_bytes(result, "light", "png", dpi=DPI, **which)
            file = FOLDER / f"landscapes-{picture_name(result, **which)}.png"  # type: ignore[arg-type]
            file.write_bytes(content if name == "lorenz_rates" else smaller(content))
            print(f"{file}: {file.stat().st_size >> 10} kB")


def smaller(content: bytes) -> bytes:
    """Return a picture in fewer colours, with what it says of itself."""
    picture = Image.open(io.BytesIO(content))
    told = PngImagePlugin.PngInfo()
    told.add_text("Description", described(content))
    stream = io.BytesIO()
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        stream, "PNG", optimize=True, pnginfo=told
    )
    return stream.getvalue()


def described(content: bytes) -> str:
    """Return what a picture says of itself: its name, its study's digest and its size."""
    picture = Image.open(io.BytesIO(content))
    return str(getattr(picture, "text", {}).get("Description", ""))


if __name__ == "__main__":
    main()
