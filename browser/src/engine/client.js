// The engine as a page sees it: pictures made in a worker, so that the page never waits.

import { Calls } from "./calls.js";

/**
 * Load the built-in model and return an engine.
 *
 * `base` is the address of the folder with worker.js, runtime/ and models/; `onProgress({loaded, total})` tells bytes.
 * `provider` is "wasm", which every browser has, or "webgpu", a graphics card; `cores` says how many of the processor
 * may be used at once, all if it is left out. Rejects with an Error if a file is missing or the browser cannot run it; its
 * `code` is "provider" where there is no graphics card.
 */
export async function createEngine({ base, onProgress, provider = "wasm", cores = navigator.hardwareConcurrency ?? 1 }) {
  const address = new URL(base, document.baseURI);
  const calls = new Calls(new Worker(new URL("worker.js", address), { type: "module" }));
  try {
    const { backend, model } = await calls.make("load", { base: address.href, provider, cores }, { onProgress });
    return new Engine(calls, backend, model);
  } catch (error) {
    calls.end(error);
    throw error;
  }
}

class Engine {
  #calls;

  /**
   * `backend` is `{provider, threads, version}`, how many compute at once and the version of ONNX Runtime; `model` is what
   * models/model.json holds.
   */
  constructor(calls, backend, model) {
    this.#calls = calls;
    Object.assign(this, { backend, model });
  }

  /**
   * Make a picture; return `{image, seconds, steps, timesteps, noEffect}`.
   *
   * `settings` have diffusers' names: prompt, negative_prompt, seed (a number, a BigInt or digits), num_inference_steps,
   * guidance_scale, guidance_rescale, scheduler (the class), eta, height, width; for image to image also image (an
   * ImageData) and strength. `onStep({step, steps, preview})` is called after each step; preview is an ImageData or null.
   * Calls wait for those before. Rejects with an Error whose `code` names the setting that cannot be used, and with an
   * AbortError once `signal` is aborted and the step that runs has ended. What was given and has no effect is listed in
   * `noEffect` as `{argument, reason}`: see `withoutEffect` in settings.js.
   */
  async generate(settings, { onStep, signal } = {}) {
    signal?.throwIfAborted();
    const onProgress = ({ preview, ...step }) => onStep?.({ ...step, preview: preview && imageData(preview) });
    const given = { settings, previews: onStep !== undefined };
    const made = await this.#calls.make("generate", given, { onProgress, signal });
    return { ...made, image: imageData(made.image) };
  }

  /** Free the memory; the engine can make no more pictures. */
  close() {
    this.#calls.end(new Error("the engine was closed."));
  }
}

function imageData({ data, width, height }) {
  return new ImageData(data, width, height);
}
