"""The style sheet of the pages: light, dark and paper, with colours whose contrast a test checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Ink on paper, and on the six steps of the confusion matrix: right ones (blue) and mistakes (orange). Each step is a
# background and the ink that is read on it.
Colours = Mapping[str, Sequence[str]]
LIGHT: Colours = dict(
    paper="#ffffff",
    card="#f6f8fa",
    ink="#1b232b",
    soft="#57616b",
    line="#d5dbe1",
    accent="#1b64a8",
    warm="#a84b12",
    right=("#eef5fb #1b232b", "#d3e6f6 #1b232b", "#a9cfec #1b232b", "#6fb0e0 #1b232b", "#1f5f9e #ffffff"),
    wrong=("#fdf3ea #1b232b", "#fbdfc6 #1b232b", "#f6c196 #1b232b", "#ea9a5c #1b232b", "#a84b12 #ffffff"),
)
DARK: Colours = dict(
    paper="#12161b",
    card="#1a2027",
    ink="#e6ebf0",
    soft="#a3aeb9",
    line="#343d47",
    accent="#78b7f0",
    warm="#f0a76c",
    right=("#17222d #e6ebf0", "#1b3349 #e6ebf0", "#224d73 #e6ebf0", "#6aaee6 #12161b", "#a9d3f7 #12161b"),
    wrong=("#241d17 #e6ebf0", "#432e1e #e6ebf0", "#6e4321 #e6ebf0", "#dd9152 #12161b", "#f6c69d #12161b"),
)

# Chinese fonts by the names they have on macOS, Windows, Linux and Android; text is never drawn into a picture.
SHEET = """
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55; font-size: 16px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .35rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.75rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.75rem 0 .35rem }
p { margin: .4rem 0; max-width: 46rem; overflow-wrap: anywhere }
.soft, figcaption { color: var(--soft); font-size: .9rem }
.result { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; margin-top: 1.5rem;
  padding: 1.1rem 1.4rem }
.result .large { font-size: 2.6rem; font-weight: 650; line-height: 1.15; margin: 0; color: var(--accent) }
.scroll { overflow-x: auto; margin: .6rem 0 }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums }
th, td { padding: .32rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
thead th { font-weight: 600; color: var(--soft); vertical-align: bottom; border-bottom-color: var(--soft) }
tbody th { font-weight: 500 }
.n { text-align: right; white-space: nowrap }
.text { min-width: 18rem; overflow-wrap: anywhere }
.few { min-width: 8rem }
.short { white-space: nowrap }
.long { display: inline-block; width: 14em; overflow-wrap: anywhere }
tr.chosen th { font-weight: 700; color: var(--accent) }
.bar { display: inline-block; width: 6rem; height: .5rem; margin-left: .7rem; border-radius: .25rem;
  background: var(--line) }
.bar i { display: block; height: 100%; border-radius: .25rem; background: var(--accent) }
.confusion { border-collapse: separate; border-spacing: 2px }
.confusion th, .confusion td { border: 0; padding: .3rem .45rem }
.confusion thead th { text-align: center }
.confusion thead .long { width: 7em }
.confusion tbody th { text-align: right }
.confusion td { text-align: center; min-width: 2.2rem; border-radius: .2rem; color: var(--soft) }
.confusion b { font-weight: 500; color: var(--soft); margin-right: .35rem }
.dense { font-size: .72rem; border-spacing: 1px }
.dense th, .dense td { padding: .12rem .2rem; min-width: 1.35rem }
figure { margin: .8rem 0; max-width: 100% }
.side { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem 3rem }
.side > * { min-width: 0; max-width: 100% }
svg { display: block; max-width: 100%; height: auto; font-size: 13px; fill: var(--ink) }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none }
svg .axis { fill: var(--soft) }
svg .ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
svg .line { stroke: var(--accent); stroke-width: 2; fill: none }
svg .other { stroke: var(--warm); stroke-width: 2; fill: none; stroke-dasharray: 7 3 }
svg .third { stroke: var(--soft); stroke-width: 2; fill: none }
svg .dotted { stroke-dasharray: 2 4 }
svg .dot { fill: var(--accent) }
svg .bars { fill: var(--accent); opacity: .35 }
svg .faint { fill: var(--soft) }
svg .span { stroke: var(--accent); stroke-width: 1.2; opacity: .6 }
svg .plain { fill: var(--soft); stroke: var(--soft); stroke-width: 1.5 }
svg .strong { font-weight: 700; fill: var(--accent) }
mark { background: none; color: inherit; border-radius: .2rem; padding: .06em .12em }
mark[class^="wrong"] { text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .18em }
.explained { border-top: 1px solid var(--line); margin-top: .9rem; padding-top: .5rem }
.explained p { max-width: none; margin: .15rem 0 }
.explained .predicted { color: var(--ink); font-weight: 600 }
.differs { color: var(--warm); font-weight: 600 }
.marked { white-space: pre-line; line-height: 1.75 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; font-size: .92rem; max-width: 52rem }
dt { font-weight: 600 }
dd { margin: 0; color: var(--soft) }
@media (max-width: 40rem) {
  main { padding: 1.25rem .9rem 3rem }
  dl { grid-template-columns: 1fr }
  dd { margin: 0 0 .5rem }
  table { font-size: .88rem }
  th, td { padding: .3rem .45rem }
  .bar { display: none }
  .long { width: 8em }
  .stack, .stack tbody { display: block }
  .stack thead { display: none }
  .stack tr { display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: .45rem 0;
    border-bottom: 1px solid var(--line) }
  .stack td { border: 0; padding: 0; min-width: 0; color: var(--soft) }
  .stack td[data-head]::before { content: attr(data-head) " " }
  .stack td bdi { color: var(--ink) }
  .stack .text { flex-basis: 100%; font-size: .95rem }
}
@media print {
  @page { margin: 15mm }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
  body { font-size: 10.5pt }
  main { max-width: none; padding: 0 }
  .scroll { overflow: visible }
  h2, h3, .soft { break-after: avoid }
  figure, tr, .result, .explained { break-inside: avoid }
  thead { display: table-header-group }
  .dense { font-size: 6pt }
  .dense th, .dense td { padding: 1px 2px; min-width: 0 }
  .text { min-width: 0 }
}
"""


def style_sheet() -> str:
    """All of it; paper is always light.

    Example:
        >>> "--paper: #ffffff" in style_sheet()
        True
    """
    light, dark = (_variables(colours) for colours in (LIGHT, DARK))
    steps = "\n".join(
        f".confusion td.{name}{k}, mark.{name}{k} {{ background: var(--{name}{k}); color: var(--{name}{k}-ink) }}"
        for name in ("right", "wrong")
        for k in range(len(LIGHT[name]))
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{SHEET}{steps}\n"
    )


def _variables(colours: Colours) -> str:
    found = []
    for name, value in colours.items():
        if isinstance(value, str):
            found.append(f"--{name}: {value}")
            continue
        for k, pair in enumerate(value):
            background, ink = pair.split()
            found += [f"--{name}{k}: {background}", f"--{name}{k}-ink: {ink}"]
    return "; ".join(found)
