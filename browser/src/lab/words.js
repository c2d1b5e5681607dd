// The words of a prompt that the model has never read, found as sdkit.unknown_words finds them.

const PIECE =
  /[a-z\d]*[a-z][a-z\d]*|[\u3005\u3040-\u30ff\u3400-\u9fff]+|[\u2600-\u27bf\u2b50\u{1f300}-\u{1faff}]|[\p{L}\p{Nl}\p{No}]/gu;
const ENGLISH = /^[a-z\d]+$/;
const SHORT = 3; // letters: one of three is a third of a word
const LEAST_ALIKE = { short: 0.6, long: 0.7 };
const MOST_NEAR = 3;

/** Return a Map of the unknown words of a prompt, each with up to three near ones; `known` is the model's list. */
export function unknownWords(prompt, known) {
  const all = new Set(known);
  const found = new Map();
  for (const [piece] of prompt.toLowerCase().matchAll(PIECE)) {
    for (const word of ENGLISH.test(piece) ? [piece] : leftOver([...piece], all)) {
      if (!all.has(word)) found.set(word, near(word, known));
    }
  }
  return found;
}

/** Return the parts of a run of Japanese letters that no known word covers, the longest words taken first. */
function leftOver(letters, known) {
  const parts = [];
  let unknown = "";
  let place = 0;
  while (place < letters.length) {
    const length = longestKnown(letters, place, known);
    if (length) {
      parts.push(unknown);
      unknown = "";
    } else {
      unknown += letters[place];
    }
    place += length || 1;
  }
  return [...parts, unknown].filter(Boolean);
}

function longestKnown(letters, place, known) {
  for (let length = letters.length - place; length > 0; length -= 1) {
    if (known.has(letters.slice(place, place + length).join(""))) return length;
  }
  return 0;
}

function near(word, known) {
  const least = LEAST_ALIKE[[...word].length <= SHORT ? "short" : "long"];
  const names = known.filter((other) => other.length >= SHORT || !ENGLISH.test(other)); // "by" names nothing
  const scored = names.map((other) => [alike(word, other), other]).filter(([score]) => score >= least);
  return scored
    .sort(([a, one], [b, other]) => b - a || (one < other ? 1 : -1))
    .slice(0, MOST_NEAR)
    .map(([, other]) => other);
}

/** Return how alike two words are, from 0 to 1: twice the letters that match over all letters (Ratcliff, Obershelp). */
function alike(word, other) {
  const [a, b] = [[...other], [...word]]; // in this order, which decides between matches of one length
  return (2 * matching(a, b)) / (a.length + b.length);
}

/** Return how many letters match: those of the longest common part, and so on before and behind it. */
function matching(a, b) {
  let [from, to, length] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    for (let j = 0; j < b.length; j += 1) {
      let run = 0;
      while (i + run < a.length && j + run < b.length && a[i + run] === b[j + run]) run += 1;
      if (run > length) [from, to, length] = [i, j, run];
    }
  }
  if (!length) return 0;
  return length + matching(a.slice(0, from), b.slice(0, to)) + matching(a.slice(from + length), b.slice(to + length));
}
