"""Opens a notebook with `explore` in JupyterLab or in Notebook 7, in a headless Chromium, and drags its slider.

python explore.py KERNEL_DATA NOTEBOOK PICTURES PAGE

As `browser.py`, whose first half this uses. Prints a JSON line: how many states of the picture were seen while the
slider was dragged, in how many seconds; the slider's value and the picture before and after the page was loaded again;
and whether it followed the slider then, too. Needs what `browser.py` needs, and the package jupyterlab_widgets.
"""

import json
import os
import sys
import tempfile
import time

from browser import opened

SLIDER = ".jupyter-widgets .noUi-handle, .jupyter-widgets .ui-slider-handle"
# What the picture is, in short: it changes with the picture.
PICTURE = """() => { const svg = document.querySelector('.widget-html-content svg, .jupyter-widgets svg');
    if (!svg) return null; let h = 0; const text = svg.outerHTML;
    for (let k = 0; k < text.length; k++) h = (31 * h + text.charCodeAt(k)) | 0; return h; }"""
READOUT = "() => { const r = document.querySelector('.widget-readout'); return r && r.innerText.trim(); }"
# Counts changes of the picture as the page sees them, not as often as it can be asked.
COUNT = """() => { window.changes = 0; const place = document.querySelector('.widget-html-content');
    new MutationObserver(() => window.changes++).observe(place, { childList: true }); }"""


def main(data, notebook, pictures, where):
    with tempfile.TemporaryDirectory(prefix="bullwhip-explore-") as folder:
        with opened(folder, data, notebook, pictures, where, (1300, 1000)) as (page, connected):
            seen = watch(page, pictures, connected)
    print(json.dumps(seen))


def watch(page, pictures, connected):
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    while not connected:
        page.wait_for_timeout(20)
    page.click("li.lm-MenuBar-item:has-text('Run')")
    page.click("li.lm-Menu-item[data-command='runmenu:run-all']")
    page.wait_for_selector(SLIDER)
    page.wait_for_function(PICTURE)
    page.wait_for_timeout(1000)
    page.screenshot(path=os.path.join(pictures, "first.png"))
    page.evaluate(COUNT)
    before = page.evaluate(PICTURE)
    seconds = drag(page, 200)
    page.wait_for_timeout(500)
    seen = {"changes": page.evaluate("() => window.changes"), "seconds": seconds,
            "moved": page.evaluate(PICTURE) != before, "value": page.evaluate(READOUT)}
    page.screenshot(path=os.path.join(pictures, "dragged.png"))
    with page.expect_response(lambda r: r.request.method == "PUT" and "/api/contents/notebook.ipynb" in r.url):
        page.keyboard.press("Control+s")
    picture = page.evaluate(PICTURE)
    page.reload()
    page.wait_for_selector(SLIDER)
    page.wait_for_function(PICTURE)
    page.wait_for_timeout(1000)
    page.screenshot(path=os.path.join(pictures, "again.png"))
    seen["value again"], seen["same picture"] = page.evaluate(READOUT), page.evaluate(PICTURE) == picture
    page.evaluate(COUNT)
    drag(page, -100)
    page.wait_for_timeout(500)
    seen["changes again"] = page.evaluate("() => window.changes")
    return seen


def drag(page, far):
    """Drags the slider by so many points, in steps of two; how many seconds that took."""
    box = page.locator(SLIDER).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    begin = time.time()
    for k in range(abs(far) // 2):
        page.mouse.move(x + (2 if far > 0 else -2) * (k + 1), y)
        page.wait_for_timeout(25)
    seconds = time.time() - begin
    page.mouse.up()
    return seconds


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:4]), *sys.argv[4:])
