"""Check the built site: links, pictures, and the width of every page in headless Chromium.

    .venv/bin/python docs/check_site.py results/local/site

prints one line per fault; its exit status is 1 if there is any. It needs Chromium (`apt-get install chromium`).
"""

import functools
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

WIDTHS = (1280, 400)
"""Pixels: a laptop and a phone."""

FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --remote-debugging-port=0
"""
"""Of Chromium: no window, and no connection but to this script."""

MEASURE = """<!doctype html><body><script>
const pages = PAGES, widths = WIDTHS, faults = [];
async function look(page, width) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.src = page;
  document.body.append(frame);
  await new Promise(done => { frame.onload = done; });
  const inside = frame.contentDocument;
  for (const image of inside.images) {
    image.loading = "eager";
    try { await image.decode(); } catch { faults.push(`${page}: broken image ${image.getAttribute("src")}`); }
  }
  const reach = inside.documentElement.scrollWidth;
  if (reach > width) faults.push(`${page}: ${reach} pixels wide in a window of ${width}`);
  frame.remove();
}
(async () => {
  for (const page of pages) for (const width of widths) await look(page, width);
  await fetch("/found", {method: "POST", body: JSON.stringify({looked: pages.length * widths.length, faults})});
})();
</script>"""
"""A page that loads every page of the site at every width, one after the other, and posts what is wrong."""


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.add(attributes.get("id"))
        link = attributes.get("href" if tag in ("a", "link") else "src")
        if link and not urlsplit(link).scheme and not link.startswith("//"):
            self.links.add(unquote(link))


def broken_links(site):
    """Every link or picture within the site that leads nowhere, a line each."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted(page.links):
            name, anchor = urldefrag(link)
            target = (path.parent / name.partition("?")[0]).resolve() if name else path
            if not target.exists():
                yield f"{path.relative_to(site)}: {link} is not there"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{path.relative_to(site)}: {link} has no such anchor"


def faults_in_browser(site, chromium="chromium"):
    """Broken pictures and pages wider than their window, a line each, as headless Chromium shows them.

    Raises
    ------
    FileNotFoundError
        If Chromium is not installed.
    RuntimeError
        If Chromium did not look at every page.
    """
    if shutil.which(chromium) is None:
        raise FileNotFoundError(f"{chromium} is not installed; run `apt-get install chromium`.")
    pages = sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))
    script = MEASURE.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(WIDTHS))
    with tempfile.TemporaryDirectory() as profile, served(site, script) as (address, posted):
        command = [chromium, *FLAGS.split(), f"--user-data-dir={profile}", f"{address}/measure"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            result = posted.get(timeout=300)
        except queue.Empty:
            raise RuntimeError("Chromium did not finish in 300 s; run it again without other work.") from None
        finally:
            browser.terminate()
            browser.wait()
    if result["looked"] != len(pages) * len(WIDTHS):
        raise RuntimeError(f"Chromium looked at {result['looked']} of {len(pages) * len(WIDTHS)} pages.")
    return result["faults"]


@contextmanager
def served(folder, script):
    """Serve a folder and the page /measure on a local port; yields the address and a queue of what the page posts."""
    posted = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/measure":
                self.answer(script)
            else:
                super().do_GET()

        def do_POST(self):
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer("")

        def answer(self, text):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posted
    finally:
        server.shutdown()
        server.server_close()


def main(folder):
    site = Path(folder).resolve()
    if not (site / "index.html").exists():
        print(f"{folder}: holds no site; run `make docs` first.", file=sys.stderr)
        return 2
    faults = [*broken_links(site), *faults_in_browser(site)]
    print("\n".join(faults) or f"{len(list(site.rglob('*.html')))} pages at {WIDTHS} pixels: no fault.")
    return int(bool(faults))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder of the site: docs/check_site.py results/local/site")
    sys.exit(main(sys.argv[1]))
