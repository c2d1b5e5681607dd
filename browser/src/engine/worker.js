// The engine's own thread. client.js asks it to load and to generate, its twin is asked to open and to predict.

import { answerCalls } from "./calls.js";
import { Downloads, json, unpacked } from "./download.js";
import { Networks, RUNTIME_VERSION, startRuntime } from "./networks.js";
import { Pipeline } from "./pipeline.js";
import { Tokenizer } from "./tokenizer.js";
import { Twin } from "./twin.js";

const RUNTIME = __RUNTIME__; // build.mjs puts in: {provider: {module, wasm, bytes}}
const MAX_THREADS = 4; // of each worker: more do not make such small networks faster
const AT_ONCE = ["text_encoder", "unet", "vae_decoder"]; // the other one is fetched for the first start picture
let pipeline = null;
let twinsNetworks = null;
let running = Promise.resolve();

answerCalls({ load, generate: inTurn(generate), open, predict });

async function load({ base, provider, cores }, { tell }) {
  const { module, wasm, bytes } = await runtimeFor(provider);
  // This one file is asked for anew; its hashes make new addresses of what has changed, so that the rest can be kept.
  const model = await json(new URL("models/model.json", base), "no-cache");
  const address = (name) => new URL(`models/${name}?${model.files[name].sha256.slice(0, 8)}`, base);
  const downloads = new Downloads(tell);
  const file = (name, among = downloads) => among.add(address(`${name}.onnx`), model.files[`${name}.onnx`].bytes);
  const fetches = [downloads.add(new URL(`runtime/${wasm}`, base), bytes), ...AT_ONCE.map((name) => file(name))];
  const [tokenizer, packed, ...fetched] = await Promise.all([
    json(address("tokenizer.json")),
    ...fetches.map((fetch) => fetch()),
  ]);
  const files = Object.fromEntries(AT_ONCE.map((name, i) => [name, async () => fetched[i]]));
  files.vae_encoder = file("vae_encoder", new Downloads(() => {}));

  const { workers, threads } = share(provider, cores);
  const runtime = { module: new URL(`runtime/${module}`, base).href, binary: (await unpacked(packed)).buffer, threads };
  // A device with too little memory for two workers has one: `threads` says so.
  const twin = workers > 1 ? Twin.open({ provider, ...runtime }, await files.unet()).catch(() => null) : null;
  startRuntime(runtime);
  const networks = new Networks(files, provider);
  for (const name of AT_ONCE) await networks.open(name);
  networks.twin = await twin;
  pipeline = new Pipeline(networks, new Tokenizer(tokenizer, model.tokenizer), model);
  const computing = networks.twin ? workers * threads : threads;
  return { backend: { provider, threads: computing, version: RUNTIME_VERSION }, model };
}

/** Return what a provider needs, or throw an Error with the code "provider" where it cannot work. */
async function runtimeFor(provider) {
  let problem = null;
  if (!Object.hasOwn(RUNTIME, provider)) problem = `provider is ${provider}; give ${Object.keys(RUNTIME).join(" or ")}.`;
  else if (provider === "webgpu" && !(await navigator.gpu?.requestAdapter())) {
    problem = "this browser offers no graphics card (WebGPU); take the provider wasm.";
  }
  if (problem) throw Object.assign(new Error(problem), { code: "provider" });
  return RUNTIME[provider];
}

/** Return how many workers compute, with how many threads each; more than one needs an isolated page (two headers). */
function share(provider, cores) {
  if (provider !== "wasm") return { workers: 1, threads: 1 };
  const workers = Math.min(cores, 2);
  const threads = self.crossOriginIsolated ? Math.max(1, Math.min(Math.floor(cores / workers), MAX_THREADS)) : 1;
  return { workers, threads };
}

async function generate({ settings, previews }, { tell, throwIfStopped }) {
  throwIfStopped();
  const onStep = async (progress) => {
    await waitingMessages();
    throwIfStopped();
    tell(progress);
  };
  return pipeline.generate(settings, { onStep, previews });
}

async function open({ runtime, unet }) {
  startRuntime(runtime);
  twinsNetworks = new Networks({ unet: async () => unet }, runtime.provider);
  await twinsNetworks.open("unet");
}

async function predict(given) {
  return twinsNetworks.predict(...given);
}

/** Return a function that waits for its calls before. */
function inTurn(work) {
  return (...given) => {
    const made = running.then(() => work(...given));
    running = made.catch(() => {});
    return made;
  };
}

/** Let the messages that have come, such as those to stop, be handled. */
function waitingMessages() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
