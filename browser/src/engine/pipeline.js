// diffusers' StableDiffusionPipeline and StableDiffusionImg2ImgPipeline for one picture, step by step.

import { pictureOf, valuesOf } from "./pictures.js";
import { Generator } from "./random.js";
import { makeScheduler } from "./schedulers.js";
import { completed, stepsSkipped, withoutEffect } from "./settings.js";

const { fround } = Math;
const PREVIEW_SHARE = 0.12; // of the time goes into previews at most
const PREVIEW_INTERVAL = 200; // milliseconds from one preview to the next at least

export class Pipeline {
  /**
   * `networks` has the methods `encodeText(tokens)`, `predict(sample, timestep, states, shape)`, `decode(latents, shape)`
   * and `encode(values, shape)`, all asynchronous; `model` is what model.json holds.
   */
  constructor(networks, tokenizer, model) {
    Object.assign(this, { networks, tokenizer, model });
  }

  /**
   * Make a picture; return `{image, seconds, steps, timesteps, noEffect}`.
   *
   * `onStep({step, steps, preview})` is called after each step and may be asynchronous; what it throws ends the work.
   * `preview` is null but now and then where `previews` is true. Throws a SettingsError for settings that cannot be used.
   */
  async generate(given, { onStep = () => {}, previews = false } = {}) {
    const began = performance.now();
    const { model, networks } = this;
    const settings = completed(given, model);
    const { states, cut } = await this.#readPrompts(settings);
    const scheduler = makeScheduler(settings.scheduler, model.schedulers[settings.scheduler]);
    scheduler.setTimesteps(settings.num_inference_steps);
    const skipped = stepsSkipped(settings);
    const timesteps = scheduler.timesteps.slice(skipped);
    scheduler.setBegin(skipped);

    const sides = [settings.height, settings.width].map((side) => side / model.vae_scale_factor);
    const shape = [1, model.latent_channels, ...sides];
    const count = shape.reduce((product, side) => product * side);
    const generator = new Generator(settings.seed);
    const draw = () => generator.normal(count);
    let latents = settings.image
      ? await this.#startFrom(settings.image, scheduler, timesteps[0], draw, shape)
      : draw().map((value) => value * scheduler.initNoiseSigma);

    let nextPreview = performance.now() + PREVIEW_INTERVAL;
    for (const [index, timestep] of timesteps.entries()) {
      const output = await this.#predict(scheduler.scaleModelInput(latents), timestep, states, shape, settings);
      latents = scheduler.step(output, timestep, latents, { eta: settings.eta, draw });
      const now = performance.now();
      let preview = null;
      if (previews && now >= nextPreview && index + 1 < timesteps.length) {
        preview = await this.#decoded(latents, shape, settings);
        const after = performance.now();
        nextPreview = after + Math.max(PREVIEW_INTERVAL, (after - now) / PREVIEW_SHARE);
      }
      await onStep({ step: index + 1, steps: timesteps.length, preview });
    }
    const image = await this.#decoded(latents, shape, settings);
    return {
      image,
      seconds: (performance.now() - began) / 1000,
      steps: timesteps.length,
      timesteps,
      noEffect: withoutEffect(given, settings, cut),
    };
  }

  /** Return the states of the negative prompt, with guidance, and of the prompt, one behind the other. */
  async #readPrompts({ prompt, negative_prompt, guided }) {
    const texts = guided ? { negative_prompt, prompt } : { prompt };
    const read = Object.entries(texts).map(([name, text]) => [name, this.tokenizer.encode(text)]);
    const states = await this.networks.encodeText(read.map(([, { tokens }]) => tokens));
    return { states, cut: Object.fromEntries(read.map(([name, { cut }]) => [name, cut])) };
  }

  /** Return the latents of a start picture with noise. Two draws: for the VAE, and the noise. */
  async #startFrom(image, scheduler, timestep, draw, shape) {
    const moments = await this.networks.encode(valuesOf(image), [1, 3, image.height, image.width]);
    const noise = draw();
    const half = noise.length;
    const scaling = fround(this.model.scaling_factor);
    const latents = noise.map((value, i) => {
      const logVariance = Math.min(Math.max(moments[half + i], -30), 20);
      const deviation = fround(Math.exp(fround(0.5 * logVariance)));
      return scaling * fround(moments[i] + fround(deviation * value));
    });
    return scheduler.addNoise(latents, draw(), timestep);
  }

  /** Return what the UNet says of latents, guided. */
  async #predict(sample, timestep, states, shape, { guided, guidance_scale, guidance_rescale, image }) {
    const answers = await this.networks.predict(sample, timestep, states, shape);
    if (!guided) return answers[0];
    const [without, withPrompt] = answers;
    const scale = fround(guidance_scale);
    const answer = without.map((value, i) => value + fround(scale * fround(withPrompt[i] - value)));
    return guidance_rescale > 0 && !image ? rescaled(answer, withPrompt, guidance_rescale) : answer;
  }

  async #decoded(latents, shape, { width, height }) {
    const scaling = fround(this.model.scaling_factor);
    const values = await this.networks.decode(latents.map((value) => value / scaling), shape);
    return pictureOf(values, width, height);
  }
}

/** Return a guided answer with its contrast brought back towards that of the prompt's own (arXiv 2305.08891, 3.4). */
function rescaled(answer, withPrompt, share) {
  const ratio = fround(deviation(withPrompt) / deviation(answer));
  const [ofNew, ofOld] = [fround(share), fround(1 - share)];
  return answer.map((value) => fround(ofNew * fround(value * ratio)) + fround(ofOld * value));
}

/** Return the standard deviation, with one degree of freedom taken off as torch does. */
function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return fround(Math.sqrt(squares / (values.length - 1)));
}
