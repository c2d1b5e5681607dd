// Guidance asks the UNet for the prompt and for the negative prompt in each step. A second worker answers for one of the
// two at the same time, which needs no special headers of the server, as threads that share memory do.

import { Calls } from "./calls.js";

export class Twin {
  #calls;

  constructor(calls) {
    this.#calls = calls;
  }

  /** Return a twin of this worker, with the UNet open: `runtime` is what `startRuntime` takes, `unet` the file's bytes. */
  static async open(runtime, unet) {
    const calls = new Calls(new Worker(self.location.href, { type: "module", name: "twin" }));
    try {
      await calls.make("open", { runtime, unet });
    } catch (error) {
      calls.end(error);
      throw error;
    }
    return new Twin(calls);
  }

  /** Do what `Networks.predict` does. */
  predict(...given) {
    return this.#calls.make("predict", given);
  }
}
