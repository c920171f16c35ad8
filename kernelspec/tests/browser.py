"""Opens a notebook in JupyterLab or in Notebook 7, in a headless Chromium, runs it, and photographs a cell
while it runs.

python browser.py KERNEL_DATA NOTEBOOK PICTURES CELL PAGE

KERNEL_DATA is a Jupyter data folder with the kernel, PICTURES a folder for what was seen, CELL the
number of the code cell that is watched, from 0, PAGE where the server shows a notebook: lab/tree, or
notebooks, which is Notebook 7. Prints a JSON line: how many pictures there are of the
cell while it ran and had a display, how many states of the display they show, how many displays the cell
had, and where the display was; how far figures stick out of their output areas, and how wide they are,
on this page and on a wide one; and the code cells of the saved notebook. Needs the packages jupyterlab
(and notebook, for Notebook 7) and playwright, and chromium.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import sync_playwright

# No step takes longer, in seconds, not even on a busy machine.
LIMIT = 900


@contextlib.contextmanager
def opened(folder, data, notebook, pictures, where, size, settings=None):
    """The notebook on a page of a server of its own, which has `folder`: the page, and a list that gets an entry when
    the kernel has introduced itself. `size` is the page's, `settings` are JupyterLab's by their files."""
    shutil.copy(notebook, os.path.join(folder, "notebook.ipynb"))
    for name, values in (settings or {}).items():
        path = os.path.join(folder, ".jupyter/lab/user-settings", name)
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as file:
            json.dump(values, file)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "JUPYTER_PATH": data, "HOME": folder, "XDG_CACHE_HOME": cache()}
    for name in ("CARGO_HOME", "RUSTUP_HOME"):
        environment.setdefault(name, os.path.expanduser("~/." + name.split("_")[0].lower()))
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
         "--IdentityProvider.token=bullwhip", f"--ServerApp.root_dir={folder}"],
        env=environment, stdout=subprocess.DEVNULL, stderr=open(os.path.join(pictures, "server.log"), "w"),
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token=bullwhip", server)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.set_default_timeout(LIMIT * 1000)
            connected = connection(page)
            page.goto(f"http://127.0.0.1:{port}/{where}/notebook.ipynb?token=bullwhip")
            yield page, connected
            browser.close()
    finally:
        server.terminate()
        server.wait(30)


def main(data, notebook, pictures, cell, where):
    # Too narrow for the widest figures, beside what the page has at its sides.
    size = (1100 if where.startswith("lab") else 900, 900)
    # All cells on the page, not only those in view: else they cannot be asked what they show.
    settings = {"@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"}}
    with tempfile.TemporaryDirectory(prefix="bullwhip-browser-") as folder:
        with opened(folder, data, notebook, pictures, where, size, settings) as (page, connected):
            seen = watch(page, pictures, int(cell), connected)
        with open(os.path.join(folder, "notebook.ipynb")) as file:
            cells = [c for c in json.load(file)["cells"] if c["cell_type"] == "code"]
    seen["cells"] = cells
    print(json.dumps(seen))


def cache():
    """The real user's cache: the compiled runtime and the engines that wait are there."""
    return os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))


def wait_for(address, server):
    begin = time.time()
    while time.time() - begin < LIMIT:
        if server.poll() is not None:
            sys.exit("JupyterLab ended; see server.log")
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("JupyterLab does not answer")


def connection(page):
    """A list that gets an entry when the kernel has introduced itself to the page.

    Before that "Run all" makes JupyterLab ask for a kernel, whatever its indicator says.
    """
    heard = []

    def listen(socket):
        if "/channels" in socket.url:
            socket.on("framereceived", lambda frame: b"kernel_info_reply" in raw(frame) and heard.append(True))

    page.on("websocket", listen)
    return heard


def raw(frame):
    return frame if isinstance(frame, bytes) else frame.encode()


# What the watched cell shows: its prompt, how many of its outputs are displays (the cell's result comes
# while the prompt still says that it runs), where and what the first one is.
LOOK = """number => {
    const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
    const prompt = cell => cell.querySelector('.jp-InputPrompt').innerText.trim();
    const cell = cells[number];
    const display = cell.querySelector('.jp-OutputArea-output svg, .jp-OutputArea-output img');
    cell.scrollIntoView({ block: 'start' });
    const box = display && display.getBoundingClientRect(), top = cell.getBoundingClientRect().top;
    return {
        prompts: cells.map(prompt), prompt: prompt(cell),
        outputs: [...cell.querySelectorAll('.jp-OutputArea-output')].filter(o => o.querySelector('svg, img')).length,
        shows: display && display.outerHTML,
        place: box && [box.left, box.top - top].map(Math.round),
    };
}"""

# Of all figures: how far they stick out at the right of what is seen of their output, their width, and
# that at which they were drawn.
FIGURES = """() => [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(area => {
    const seen = area.getBoundingClientRect(), end = Math.min(seen.right, window.innerWidth);
    return [...area.querySelectorAll('svg, img')].map(figure => {
        const box = figure.getBoundingClientRect();
        return [box.right - end, box.width, +figure.getAttribute('width')].map(Math.round);
    });
})"""


def watch(page, pictures, number, connected):
    """Runs all cells; pictures of one while it runs, and of all at the end."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    begin = time.time()
    while not connected:
        if time.time() - begin > LIMIT:
            sys.exit("the page does not reach the kernel")
        page.wait_for_timeout(20)
    page.click("li.lm-MenuBar-item:has-text('Run')")
    page.click("li.lm-Menu-item[data-command='runmenu:run-all']")
    states, outputs, places, figures, count, begin = set(), set(), set(), set(), 0, time.time()
    while time.time() - begin < LIMIT:
        look = page.evaluate(LOOK, number)
        if look["prompt"] == "[*]:" and look["shows"]:
            page.screenshot(path=os.path.join(pictures, f"{count:03}.png"))
            count += 1
            states.add(hashlib.sha256(look["shows"].encode()).hexdigest())
            outputs.add(look["outputs"])
            places.add(tuple(look["place"]))
            figures.update(map(tuple, page.evaluate(FIGURES)))
        if all(prompt.strip("[]:").isdigit() for prompt in look["prompts"]):
            break
        page.wait_for_timeout(100)
    page.screenshot(path=os.path.join(pictures, "end.png"))
    with page.expect_response(lambda r: r.request.method == "PUT" and "/api/contents/notebook.ipynb" in r.url):
        page.keyboard.press("Control+s")
    seen = {"pictures": count, "states": len(states), "outputs": sorted(outputs), "places": sorted(places),
            "prompts": look["prompts"], "seconds": time.time() - begin, "moving": sorted(figures)}
    seen["narrow"] = settled(page)
    page.set_viewport_size({"width": 1800, "height": 900})
    seen["wide"] = settled(page)
    page.screenshot(path=os.path.join(pictures, "wide.png"))
    return seen


def settled(page):
    """The figures once they have stayed where they are for a while."""
    before = None
    while before != (before := page.evaluate(FIGURES)):
        page.wait_for_timeout(300)
    return before


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:4]), *sys.argv[4:])
