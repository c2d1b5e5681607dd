// The three schedulers of diffusers that the lab offers, in the same float32 arithmetic: each product, sum and root is
// rounded as a tensor would be. They read the configuration that model.json holds.

const { fround, sqrt } = Math;

/** Return a scheduler of diffusers' class `name`; all have the methods of `Scheduler`. */
export function makeScheduler(name, config) {
  const Kind = KINDS[name];
  if (!Kind) throw new Error(`scheduler is ${name}; give one of ${Object.keys(KINDS).join(", ")}.`);
  return new Kind(config);
}

class Scheduler {
  takesEta = false;
  initNoiseSigma = 1; // what the starting noise is multiplied by

  constructor(config) {
    refuseWhatIsNotHere(config);
    this.config = config;
    this.alphas = cumulativeAlphas(config); // of each timestep that was trained
    this.finalAlpha = config.set_alpha_to_one ? 1 : this.alphas[0];
  }

  /** The largest timestep that may be asked. */
  get lastTimestep() {
    return this.config.num_train_timesteps - 1;
  }

  /** Plan the steps of a call; `this.timesteps` holds them, the noisiest first. */
  setTimesteps(steps) {
    this.steps = steps;
    const ratio = Math.floor(this.config.num_train_timesteps / steps);
    this.timesteps = Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + this.config.steps_offset);
  }

  /** Say that the call begins with the timestep of this index, as image to image does. */
  setBegin(index) {}

  /** Return what the UNet gets for latents. */
  scaleModelInput(sample) {
    return sample;
  }

  /** Return latents with as much noise as belongs to a timestep. */
  addNoise(sample, noise, timestep) {
    return mix(fround(sqrt(this.alphas[timestep])), sample, fround(sqrt(fround(1 - this.alphas[timestep]))), noise);
  }

  alphaBefore(timestep) {
    return timestep >= 0 ? this.alphas[timestep] : this.finalAlpha;
  }
}

/** Denoising diffusion implicit models (Song et al., arXiv 2010.02502); `eta` is its share of fresh noise. */
class Ddim extends Scheduler {
  takesEta = true;

  /** Return the next latents. `eta` is from 0 to 1, `draw` returns fresh noise. */
  step(output, timestep, sample, { eta = 0, draw } = {}) {
    const before = timestep - Math.floor(this.config.num_train_timesteps / this.steps);
    const alpha = this.alphas[timestep];
    const alphaBefore = this.alphaBefore(before);
    const beta = fround(1 - alpha);
    const signal = fround(sqrt(alpha));
    const noise = fround(sqrt(beta));
    const clean = mix(signal, sample, -noise, output);
    const epsilon = mix(signal, output, noise, sample);
    const variance = fround(fround(fround(1 - alphaBefore) / beta) * fround(1 - fround(alpha / alphaBefore)));
    const deviation = fround(fround(eta) * fround(sqrt(variance)));
    const direction = fround(sqrt(fround(fround(1 - alphaBefore) - fround(deviation * deviation))));
    const next = mix(fround(sqrt(alphaBefore)), clean, direction, epsilon);
    return eta > 0 ? mix(1, next, deviation, draw()) : next;
  }
}

/** Pseudo numerical methods (Liu et al., arXiv 2202.09778), without the Runge-Kutta steps at the start. */
class Pndm extends Scheduler {
  setTimesteps(steps) {
    super.setTimesteps(steps);
    if (steps > 1) this.timesteps.splice(1, 0, this.timesteps[1]); // the second timestep is asked twice
    this.outputs = [];
    this.counter = 0;
    this.first = null;
  }

  step(output, timestep, sample) {
    const distance = Math.floor(this.config.num_train_timesteps / this.steps);
    let before = timestep - distance;
    if (this.counter === 1) {
      before = timestep;
      timestep += distance;
    } else {
      this.outputs = [...this.outputs.slice(-3), output];
    }
    const past = this.outputs;
    const last = past.at(-1);
    if (past.length === 1 && this.counter === 0) {
      this.first = sample;
    } else if (past.length === 1 && this.counter === 1) {
      output = each(output, (x, i) => fround(x + last[i]) / 2);
      sample = this.first;
      this.first = null;
    } else if (past.length === 2) {
      output = each(last, (x, i) => fround(fround(3 * x) - past[0][i]) / 2);
    } else if (past.length === 3) {
      output = each(last, (x, i) => {
        const sum = fround(fround(23 * x) - fround(16 * past[1][i]));
        return fround(sum + fround(5 * past[0][i])) / 12;
      });
    } else {
      const share = fround(1 / 24);
      output = each(last, (x, i) => {
        const sum = fround(fround(55 * x) - fround(59 * past[2][i]));
        return share * fround(fround(sum + fround(37 * past[1][i])) - fround(9 * past[0][i]));
      });
    }
    this.counter += 1;
    return this.#before(sample, timestep, before, output);
  }

  /** Formula 9 of the paper. */
  #before(sample, timestep, before, output) {
    const alpha = this.alphas[timestep];
    const alphaBefore = this.alphaBefore(before);
    const beta = fround(1 - alpha);
    const betaBefore = fround(1 - alphaBefore);
    const epsilon = mix(fround(sqrt(alpha)), output, fround(sqrt(beta)), sample);
    const ofSample = fround(sqrt(fround(alphaBefore / alpha)));
    const root = fround(sqrt(fround(fround(alpha * beta) * alphaBefore)));
    const divisor = fround(fround(alpha * fround(sqrt(betaBefore))) + root);
    const difference = fround(alphaBefore - alpha);
    return each(sample, (x, i) => fround(ofSample * x) - fround(fround(difference * epsilon[i]) / divisor));
  }
}

/** Euler's method with fresh noise in each step, as k-diffusion's `sample_euler_ancestral`. */
class EulerAncestral extends Scheduler {
  get lastTimestep() {
    return Infinity; // beyond the last trained timestep it takes that one's noise level
  }

  setTimesteps(steps) {
    super.setTimesteps(steps);
    const sigma = (timestep) => {
      const alpha = this.alphas[Math.min(timestep, this.alphas.length - 1)];
      return sqrt(fround(fround(1 - alpha) / alpha));
    };
    this.sigmas = Float32Array.from([...this.timesteps.map(sigma), 0]);
    this.initNoiseSigma = fround(sqrt(fround(fround(this.sigmas[0] ** 2) + 1)));
    this.index = 0;
  }

  setBegin(index) {
    this.index = index;
  }

  scaleModelInput(sample) {
    const length = fround(sqrt(fround(fround(this.sigmas[this.index] ** 2) + 1)));
    return each(sample, (x) => x / length);
  }

  addNoise(sample, noise) {
    return mix(1, sample, this.sigmas[this.index], noise);
  }

  step(output, timestep, sample, { draw } = {}) {
    const [from, to] = this.sigmas.slice(this.index, this.index + 2);
    const square = fround(from * from);
    const squareTo = fround(to * to);
    const plusOne = fround(square + 1);
    const ofOutput = fround(-from / fround(sqrt(plusOne)));
    const up = fround(sqrt(fround(fround(squareTo * fround(square - squareTo)) / square)));
    const down = fround(sqrt(fround(squareTo - fround(up * up))));
    const change = fround(down - from);
    const noise = draw();
    this.index += 1;
    return each(sample, (x, i) => {
      const clean = fround(fround(output[i] * ofOutput) + fround(x / plusOne));
      const derivative = fround(fround(x - clean) / from);
      return fround(x + fround(derivative * change)) + fround(noise[i] * up);
    });
  }
}

const KINDS = { DDIMScheduler: Ddim, PNDMScheduler: Pndm, EulerAncestralDiscreteScheduler: EulerAncestral };
export const SCHEDULERS = Object.keys(KINDS);

// What the built-in model's configuration holds. Another model may have other values, and its pictures would be wrong.
const HERE = {
  beta_schedule: ["scaled_linear"],
  prediction_type: ["v_prediction"],
  timestep_spacing: ["leading"],
  trained_betas: [null],
  clip_sample: [false],
  thresholding: [false],
  rescale_betas_zero_snr: [false],
  skip_prk_steps: [true],
};

function refuseWhatIsNotHere(config) {
  for (const [name, values] of Object.entries(HERE)) {
    if (name in config && !values.includes(config[name])) {
      throw new Error(`the scheduler's ${name} is ${config[name]}, and only ${values.join(", ")} is written here.`);
    }
  }
}

/** Return for each trained timestep how much of the picture is left, from nearly 1 down. */
function cumulativeAlphas({ beta_start, beta_end, num_train_timesteps: count }) {
  const start = fround(sqrt(beta_start));
  const end = fround(sqrt(beta_end));
  const step = fround(fround(end - start) / (count - 1));
  let product = 1; // torch keeps it in float64
  return Float32Array.from({ length: count }, (_, i) => {
    // torch counts the second half from the end
    const root = i < count / 2 ? fround(start + step * i) : fround(end - step * (count - 1 - i));
    product *= fround(1 - fround(root * root));
    return product;
  });
}

/** Return a function of each number, and its index, as float32. */
function each(values, change) {
  const made = new Float32Array(values.length);
  for (let i = 0; i < made.length; i++) made[i] = change(values[i], i);
  return made;
}

/** Return a * x + b * y. */
function mix(a, x, b, y) {
  return each(x, (value, i) => fround(a * value) + fround(b * y[i]));
}
