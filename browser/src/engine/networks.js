// The four networks, run by ONNX Runtime.

import * as ort from "onnxruntime-web/webgpu"; // runs on the processor too

const ERRORS = 3; // of ONNX Runtime's levels: it warns of each part of a graph that a graphics card does not run

export const RUNTIME_VERSION = ort.env.versions.web;

/** Set ONNX Runtime up, once in each worker: where its module is, its unpacked wasm file, and how many threads. */
export function startRuntime({ module, binary, threads }) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: module };
  ort.env.wasm.wasmBinary = binary;
}

/** Networks from ONNX files. `files` maps names to functions that return a file's bytes; each is opened when needed. */
export class Networks {
  #sessions = {};

  twin = null; // another object with the method `predict`, if there is one, that works at the same time

  constructor(files, provider) {
    Object.assign(this, { files, provider });
  }

  /** Return the session of a network, made once; what failed, such as a fetch, is tried again the next time. */
  open(name) {
    this.#sessions[name] ??= this.#opened(name).catch((error) => {
      delete this.#sessions[name];
      throw error;
    });
    return this.#sessions[name];
  }

  async #opened(name) {
    return ort.InferenceSession.create(await this.files[name](), {
      executionProviders: [this.provider],
      graphOptimizationLevel: "all",
      logSeverityLevel: ERRORS,
    });
  }

  /** Tokens of texts, all of one length, to the states of each: `{values, shape}`, shape is (tokens, width). */
  async encodeText(texts) {
    const [count, length] = [texts.length, texts[0].length];
    const tokens = new ort.Tensor("int64", BigInt64Array.from(texts.flat(), BigInt), [count, length]);
    const parts = split(await this.#run("text_encoder", { tokens }), count);
    return parts.map((values) => ({ values, shape: [length, values.length / length] }));
  }

  /** Latents of a shape (1, channels, height, width) at a timestep to the UNet's answers, one for each of the states. */
  async predict(sample, timestep, states, shape) {
    if (this.twin && states.length === 2) {
      const other = this.twin.predict(sample, timestep, states.slice(0, 1), shape);
      const own = this.#predict(sample, timestep, states.slice(1), shape);
      return (await Promise.all([other, own])).flat();
    }
    return this.#predict(sample, timestep, states, shape);
  }

  async #predict(sample, timestep, states, shape) {
    const size = states[0].values.length;
    const all = new Float32Array(states.length * size);
    states.forEach(({ values }, i) => all.set(values, i * size));
    const answers = await this.#run("unet", {
      sample: new ort.Tensor("float32", sample, shape),
      timestep: new ort.Tensor("float32", Float32Array.of(timestep), [1]),
      states: new ort.Tensor("float32", all, [states.length, ...states[0].shape]),
    });
    return split(answers, states.length);
  }

  /** Latents to the values of a picture. */
  async decode(latents, shape) {
    return this.#run("vae_decoder", { latents: new ort.Tensor("float32", latents, shape) });
  }

  /** The values of a picture of a shape (1, 3, height, width) to the means and log variances of its latents. */
  async encode(values, shape) {
    return this.#run("vae_encoder", { picture: new ort.Tensor("float32", values, shape) });
  }

  async #run(name, inputs) {
    const session = await this.open(name);
    const outputs = await session.run(inputs);
    return outputs[session.outputNames[0]].getData();
  }
}

/** Return `count` parts of a list, all of one length. */
function split(values, count) {
  const length = values.length / count;
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length));
}
