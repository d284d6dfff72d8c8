"""Pictures of a page: loaded as they come near the window, into the room that is kept for them."""

import re
from pathlib import Path

import imagesize

_PICTURE = re.compile(r'<img (?=[^<>]*src="(?!\w+:)([^"]+)")(?![^<>]*loading=)')


def defer(html: str, folder: Path) -> str:
    """Tells the browser each picture's size, where the file says it, and to load it once a reader is near.

    A figure is work for the browser at each visit, and most stand further down; without the size, the text
    below would move as they come.

    Args:
        html: the page.
        folder: where the page lies in the built site, with the pictures that it names.
    """

    def sized(picture: re.Match[str]) -> str:
        path = folder / picture[1]
        if not path.is_file():
            return picture[0]
        width, height = imagesize.get(path)
        size = f'width="{width:.0f}" height="{height:.0f}" ' if width > 0 and height > 0 else ""
        return f'<img loading="lazy" {size}'

    return _PICTURE.sub(sized, html)
