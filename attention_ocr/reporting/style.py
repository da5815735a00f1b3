"""The frame of the report: its style sheet and document."""

from collections.abc import Sequence

from attention_ocr.reporting.markup import Section, escaped

STYLE = """\
:root { color-scheme: light dark; --ink: #1c1f23; --paper: #ffffff; --soft: #f2f4f7;
  --line: #d5dae1; --quiet: #5b6570; --accent: #2f6fb3; --wrong: #ffd3cc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #15181c; --soft: #20252b;
  --line: #3a424c; --quiet: #a2adb9; --accent: #6aa9e9; --wrong: #7a2c22; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
section { scroll-margin-top: 3.5rem; } h1 { margin: 0; font-size: 1.6rem;
  overflow-wrap: anywhere; } h2 { margin: 2.5rem 0 .6rem; font-size: 1.2rem; }
p { max-width: 60rem; margin: .4rem 0; } a { color: var(--accent); }
nav { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; z-index: 1;
  padding: .6rem 0; background: var(--paper); border-bottom: 1px solid var(--line); }
.about { color: var(--quiet); overflow-wrap: anywhere; }
.tables { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: flex-start; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .2rem; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 500; } td { overflow-wrap: anywhere; }
.bar { position: relative; display: inline-block; width: 8rem; height: .8rem;
  background: var(--soft); vertical-align: middle; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--accent); opacity: .55; }
.bar b { position: absolute; top: .3rem; height: .2rem; background: var(--ink); }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: 1rem; }
figure { margin: 0; padding: .7rem; background: var(--soft); border-radius: 6px; }
figure img { display: block; max-width: 100%; height: 56px; object-fit: contain;
  object-position: left; margin-bottom: .3rem; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; } .key { color: var(--quiet); }
bdi, .chars { font-family: ui-monospace, monospace; white-space: pre-wrap; }
.chars { margin: 0 0 .3rem; } .char { color: #111; padding: 0 .08em; }
mark { background: var(--wrong); color: inherit; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
svg { width: 24rem; max-width: 100%; fill: currentColor; font-size: 12px; }
svg .fill { fill: var(--accent); opacity: .7; } svg .grid { stroke: var(--line); }
svg .ideal { fill: none; stroke: var(--quiet); stroke-dasharray: 5 4; }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 2; }
@media print { nav { display: none; } figure, tr { break-inside: avoid; } }
"""


def document(title: str, about: Sequence[str], sections: Sequence[Section]) -> str:
    """Return the page.

    Args:
        title: Its title.
        about: Lines under the title, plain text.
        sections: Sections in the order of the page; empty ones are left out.
    """
    shown = [section for section in sections if section.content]
    links = "".join(f'<a href="#{entry.name}">{escaped(entry.title)}</a>' for entry in shown)
    lines = "<br>".join(map(escaped, about))
    content = "\n".join(map(str, shown))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escaped(title)}</title>
<link rel="icon" href="data:,">
<style>
{STYLE}</style>
</head>
<body>
<header><h1>{escaped(title)}</h1><p class="about">{lines}</p></header>
<nav>{links}</nav>
<main>
{content}
</main>
</body>
</html>
"""
