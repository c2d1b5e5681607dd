"""The engine of browser/ in a headless Chromium, driven from Python: for tests and benchmarks."""

from __future__ import annotations

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

from PIL import Image

FOLDER = Path(__file__).parent.parent / "dist" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A sandbox needs rights that a container does not have; the rest keeps the browser off the network.
CHROMIUM = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
LIMIT_MS = 120_000

LOAD = """async ([base, options]) => {
    const { createEngine } = await import(`${base}client.js`);
    const began = performance.now();
    window.progress = [];
    window.engine = await createEngine({ base, ...options, onProgress: (told) => window.progress.push(told) });
    window.steps = [];
    const { backend, model } = window.engine;
    return { seconds: (performance.now() - began) / 1000, backend, model, progress: window.progress };
}"""
# Numbers of 64 bits and pictures cross the way from Python as texts.
GENERATE = """async ([settings, picture, previews]) => {
    const decoded = (text) => Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
    const encoded = (data) => btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(''));
    if (picture) settings.image = new ImageData(decoded(picture.data), picture.width, picture.height);
    const began = performance.now();
    window.steps = [];
    try {
        const onStep = previews ? (told) => window.steps.push(told) : undefined;
        const made = await window.engine.generate(settings, { onStep });
        const { data, width, height } = made.image;
        const steps = window.steps.map(({ step, steps, preview }) => ({ step, steps, preview: preview !== null }));
        return { ...made, image: { data: encoded(data), width, height }, steps_told: steps,
                 waited: (performance.now() - began) / 1000 };
    } catch (error) {
        return { error: { name: error.name, code: error.code, message: error.message } };
    }
}"""


def chromium() -> str | None:
    """Return the path of a Chromium, None if there is none."""
    return next(filter(None, map(which, BROWSERS)), None)


@contextmanager
def served(folder: Path = FOLDER, isolated: bool = False) -> Iterator[str]:
    """Serve a folder to this machine and yield its address; `isolated` sends the headers that threads need."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            for name, value in ISOLATED.items() if isolated else ():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class EngineError(Exception):
    """What the engine refused: `name` and `code` of JavaScript's error."""

    def __init__(self, name: str, code: str | None, message: str):
        super().__init__(message)
        self.name, self.code = name, code


class EnginePage:
    """A page of a browser with the engine in it; `page` is playwright's own."""

    def __init__(self, page, address: str):
        self.page, self.address = page, address
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{address}models/model.json")  # any page of the address

    def load(self, **options: Any) -> dict[str, Any]:
        """Load the model; return `seconds`, `backend`, `model` and `progress`, the list of what was told of it.

        `options` are those of `createEngine`: provider, cores.
        """
        return self.page.evaluate(LOAD, [self.address, options])

    def generate(
        self, image: Image.Image | None = None, previews: bool = False, **settings: Any
    ) -> tuple[Image.Image, dict[str, Any]]:
        """Make a picture; return it (RGB) and what else the engine returned, with `waited` seconds and `steps_told`.

        `previews` asks for steps and previews, as a page does that shows them.

        Raises EngineError for what it refuses.
        """
        if "seed" in settings:
            settings["seed"] = str(settings["seed"])
        sent = None
        if image is not None:
            data = base64.b64encode(image.convert("RGBA").tobytes()).decode()
            sent = {"data": data, "width": image.width, "height": image.height}
        made = self.page.evaluate(GENERATE, [settings, sent, previews])
        if "error" in made:
            raise EngineError(**made["error"])
        got = made.pop("image")
        rgba = Image.frombytes("RGBA", (got["width"], got["height"]), base64.b64decode(got["data"]))
        return rgba.convert("RGB"), made


@contextmanager
def headless(*flags: str) -> Iterator[Any]:
    """Yield a new headless Chromium, playwright's own object. Raises RuntimeError if there is none."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise RuntimeError("there is no Chromium; install it, as with apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM, *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def engine_page(browser: Any, folder: Path = FOLDER, isolated: bool = False) -> Iterator[EnginePage]:
    """Yield a new page of a browser at a served folder, with nothing that pages before have stored."""
    with served(folder, isolated) as address, browser.new_context() as context:
        yield EnginePage(context.new_page(), address)
