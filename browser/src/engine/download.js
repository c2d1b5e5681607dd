// Files fetched with their progress, and some of them unpacked.

const GZIP = [0x1f, 0x8b];

/** What is fetched, as one number: `add` files before they are begun, `onProgress` gets `{loaded, total}` in bytes. */
export class Downloads {
  #loaded = 0;
  #total = 0;

  constructor(onProgress) {
    this.onProgress = onProgress;
  }

  /** Return a function that fetches a file of so many bytes, as a Uint8Array, and counts it from now on. */
  add(url, bytes) {
    this.#total += bytes;
    return () => this.#fetch(url, bytes);
  }

  async #fetch(url, bytes) {
    const data = new Uint8Array(bytes);
    let filled = 0;
    for await (const part of chunks(await opened(url))) {
      if (filled + part.length > bytes) throw new Error(wrongLength(url, bytes, "more"));
      data.set(part, filled);
      filled += part.length;
      this.#loaded += part.length;
      this.onProgress({ loaded: this.#loaded, total: this.#total });
    }
    if (filled < bytes) throw new Error(wrongLength(url, bytes, filled));
    return data;
  }
}

/** Return what a JSON file holds; `cache` is fetch's own option. */
export async function json(url, cache = "default") {
  return (await opened(url, cache)).json();
}

/** Return bytes unpacked with gzip. */
export async function unpacked(bytes) {
  if (!GZIP.every((value, i) => bytes[i] === value)) throw new Error("a packed file of the runtime is damaged.");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function opened(url, cache = "default") {
  const response = await fetch(url, { cache });
  if (!response.ok) throw new Error(`${url} is not there (${response.status}); build it with "make browser".`);
  return response;
}

// A stream is not iterable in every browser.
async function* chunks(response) {
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

function wrongLength(url, bytes, found) {
  return `${url} has ${found} bytes where ${bytes} were expected; reload the page, or build it anew with "make browser".`;
}
