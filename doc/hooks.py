"""What mkdocs does beside its own: equations as MathML, the picture of the example.

Browsers show MathML by themselves, so the pages need no script and no network.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.structure.files import File

PICTURE = Path(__file__).resolve().parent.parent / "examples" / "1bd2" / "report.png"
_BLOCK = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)
_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_TAG = re.compile(r"\\tag\{(.*?)\}")


def on_files(files, config):
    """Adds the picture, which the README shows too."""
    files.append(File.generated(config, "report.png", abs_src_path=str(PICTURE)))
    return files


def on_page_markdown(markdown, **_):
    """The picture is in another place in the repository than on the pages."""
    return markdown.replace("../examples/1bd2/report.png", "report.png")


def on_page_content(content, **_):
    """Equations as MathML, those with a number as targets of links: method.html#eq-10."""
    return _INLINE.sub(_inline, _BLOCK.sub(_block, content))


def _inline(match: re.Match) -> str:
    return convert(html.unescape(match.group(1)).strip())


def _block(match: re.Match) -> str:
    tex = html.unescape(match.group(1)).strip()
    tag = _TAG.search(tex)
    equation = convert(_TAG.sub("", tex), display="block")
    if tag is None:
        return f'<div class="equation">{equation}</div>'
    number = tag.group(1)
    return (
        f'<div class="equation" id="eq-{number}">{equation}'
        f'<span class="equation-number">({number})</span></div>'
    )
