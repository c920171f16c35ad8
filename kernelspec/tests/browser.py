"""Opens a notebook in JupyterLab, in a headless Chromium, runs it, and photographs it while it runs.

python browser.py KERNEL_DATA NOTEBOOK PICTURES

KERNEL_DATA is a Jupyter data folder with the kernel, PICTURES a folder for what was seen. Prints a
JSON line: how many pictures there are, how many differ, how many displays the page holds, how many
cells the saved notebook has outputs in. Needs the packages jupyterlab and playwright, and chromium.
"""

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


def main(data, notebook, pictures):
    folder = tempfile.mkdtemp(prefix="bullwhip-browser-")
    shutil.copy(notebook, os.path.join(folder, "notebook.ipynb"))
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
            page = browser.new_page(viewport={"width": 1100, "height": 900})
            page.goto(f"http://127.0.0.1:{port}/lab/tree/notebook.ipynb?token=bullwhip")
            seen = watch(page, pictures)
            browser.close()
    finally:
        server.terminate()
        server.wait(30)
    with open(os.path.join(folder, "notebook.ipynb")) as file:
        cells = [c for c in json.load(file)["cells"] if c["cell_type"] == "code"]
    seen["saved"] = sum(bool(c["outputs"]) for c in cells)
    seen["counts"] = [c["execution_count"] for c in cells]
    seen["svg"] = [o["data"]["image/svg+xml"] for c in cells for o in c["outputs"] if "image/svg+xml" in o.get("data", {})]
    shutil.rmtree(folder)
    print(json.dumps(seen))


def cache():
    """The real user's cache: the compiled runtime and the engines that wait are there."""
    return os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))


def wait_for(address, server):
    for _ in range(600):
        if server.poll() is not None:
            sys.exit("JupyterLab ended; see server.log")
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("JupyterLab does not answer")


def watch(page, pictures):
    """Runs all cells; pictures of the notebook until the last one has its number."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=300_000)
    # JupyterLab shows "idle" a moment before it sends what is to run.
    page.wait_for_timeout(2000)
    page.click("li.lm-MenuBar-item:has-text('Run')")
    page.click("li.lm-Menu-item[data-command='runmenu:run-all']")
    seen, displays, begin = [], [], time.time()
    while time.time() - begin < 120:
        picture = page.screenshot(path=os.path.join(pictures, f"{len(seen):03}.png"))
        outputs = page.query_selector_all(".jp-RenderedSVG, .jp-RenderedImage")
        displays.append(len(outputs))
        seen.append(hashlib.sha256(picture).hexdigest())
        prompts = [p.inner_text() for p in page.query_selector_all(".jp-CodeCell .jp-InputPrompt")]
        if prompts and all(p.strip("[]: ").isdigit() for p in prompts):
            break
        time.sleep(0.25)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.screenshot(path=os.path.join(pictures, "end.png"), full_page=True)
    return {"pictures": len(seen), "different": len(set(seen)), "displays": max(displays), "seconds": time.time() - begin}


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:4]))
