// torch's generator for processors, redone: the same seeds give the same noise as in Python.
//
// The numbers are those of torch on processors with AVX2, to the bit. Elsewhere torch itself takes other approximations
// of log, sin and cos, and differs in the last bits.

const { fround, imul, sqrt } = Math;
const LENGTH = 624;
const MIDDLE = 397;
const BLOCK = 16; // normal values that are made of as many uniform ones at once, in torch too
export const MAX_SEED = 2n ** 64n - 1n;

/** The Mersenne Twister MT19937 of Matsumoto and Nishimura, seeded as torch does: with the lower 32 bits of a seed. */
export class Generator {
  #state = new Uint32Array(LENGTH);
  #next = LENGTH;
  #spare = null; // the second of two normal values drawn one by one

  /** `seed` is a whole number of 64 bits: a BigInt, a number or digits. */
  constructor(seed) {
    this.#state[0] = Number(BigInt(seed) & 0xffffffffn);
    for (let i = 1; i < LENGTH; i++) {
      const before = this.#state[i - 1];
      this.#state[i] = imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** Return the next 32 bits. */
  bits() {
    if (this.#next === LENGTH) this.#twist();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist() {
    const state = this.#state;
    for (let i = 0; i < LENGTH; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % LENGTH] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }

  /** Return `count` numbers of the normal distribution, as `torch.randn` draws them in float32. */
  normal(count) {
    return count < BLOCK ? this.#oneByOne(count) : this.#inBlocks(count);
  }

  #inBlocks(count) {
    const values = Float32Array.from({ length: count }, () => this.#uniform24());
    for (let i = 0; i + BLOCK <= count; i += BLOCK) makeNormal(values.subarray(i, i + BLOCK));
    if (count % BLOCK) {
      // torch draws the last sixteen anew, so that they overlap the block before
      const last = values.subarray(count - BLOCK);
      for (let i = 0; i < BLOCK; i++) last[i] = this.#uniform24();
      makeNormal(last);
    }
    return values;
  }

  #oneByOne(count) {
    return Float32Array.from({ length: count }, () => {
      if (this.#spare !== null) {
        const value = this.#spare;
        this.#spare = null;
        return value;
      }
      const first = this.#uniform53();
      const radius = sqrt(-2 * Math.log1p(-this.#uniform53()));
      const angle = 2 * Math.PI * first;
      this.#spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    });
  }

  #uniform24() {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }

  #uniform53() {
    const high = this.bits();
    const low = this.bits();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  }
}

/** Turn sixteen uniform values into normal ones, in place (Box and Muller). */
function makeNormal(values) {
  const half = BLOCK / 2;
  for (let i = 0; i < half; i++) {
    const radius = fround(sqrt(fround(-2 * log32(fround(1 - values[i])))));
    const [sine, cosine] = sineAndCosine32(fround(fround(2 * Math.PI) * values[i + half]));
    values[i] = fround(radius * cosine);
    values[i + half] = fround(radius * sine);
  }
}

// The two functions below are those of the Cephes library (S. Moshier) in float32, as torch takes them from Julien
// Pommier's avx_mathfun, rounded where the compiled instructions round.

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
  -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const LN2_LOW = fround(-2.1219444e-4);
const LN2_HIGH = fround(0.693359375);
const SQRT_HALF = fround(Math.SQRT1_2);
const COSINE = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const SINE = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);
const QUARTER_PI = [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8].map(fround);
const FOUR_BY_PI = fround(4 / Math.PI);

/** Return a * b + c, rounded once as fused instructions do: float64 holds a product of float32 numbers exactly. */
function fused(a, b, c) {
  return fround(a * b + c);
}

function log32(x) {
  float[0] = x;
  let exponent = (word[0] >>> 23) - 126;
  word[0] = (word[0] & 0x807fffff) | 0x3f000000;
  let m = float[0]; // of 0.5 to 1
  if (m < SQRT_HALF) {
    exponent -= 1;
    m = fround(fround(m - 1) + m);
  } else {
    m = fround(m - 1);
  }
  const z = fround(m * m);
  let y = LOG[0];
  for (let i = 1; i < LOG.length; i++) y = fused(y, m, LOG[i]);
  y = fround(y * m);
  y = fused(y, z, fround(exponent * LN2_LOW));
  y = fround(y - z / 2);
  return fused(exponent, LN2_HIGH, fround(m + y));
}

function sineAndCosine32(x) {
  const octant = (Math.trunc(fround(x * FOUR_BY_PI)) + 1) & ~1;
  for (const part of QUARTER_PI) x = fused(part, octant, x);
  const z = fround(x * x);
  let cosine = COSINE[0];
  for (let i = 1; i < COSINE.length; i++) cosine = fused(cosine, z, COSINE[i]);
  cosine = fround(cosine * z);
  cosine = fround(fused(cosine, z, -z / 2) + 1);
  let sine = SINE[0];
  for (let i = 1; i < SINE.length; i++) sine = fused(sine, z, SINE[i]);
  sine = fused(fround(sine * z), x, x);
  if (octant & 2) [sine, cosine] = [cosine, sine];
  return [octant & 4 ? -sine : sine, (octant + 2) & 4 ? -cosine : cosine];
}
