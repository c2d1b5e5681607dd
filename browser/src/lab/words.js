// The words of a prompt that the model has never read, found as sdkit.unknown_words finds them.

const PIECE =
  /[a-z\d]*[a-z][a-z\d]*|[\u3005\u3040-\u30ff\u3400-\u9fff]+|[\u2600-\u27bf\u2b50\u{1f300}-\u{1faff}]|[\p{L}\p{Nl}\p{No}]/gu;
const ENGLISH = /^[a-z\d]+$/;
const SHORT = 3; // letters: one of three is a third of a word
const LEAST_ALIKE = { short: 0.6, long: 0.7 };
const LONG = 7; // letters, of words in which two slips are taken for slips
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
  const most = [...word].length < LONG ? 1 : 2;
  const least = LEAST_ALIKE[[...word].length <= SHORT ? "short" : "long"];
  const names = known.filter((other) => other.length >= SHORT || !ENGLISH.test(other)); // "by" names nothing
  const scored = names.map((other) => [alike(word, other), other]).filter(([score]) => score >= least);
  return scored
    .sort(([a, one], [b, other]) => b - a || (one < other ? 1 : -1))
    .map(([, other]) => other)
    .filter((other) => slips([...word], [...other]) <= most)
    .slice(0, MOST_NEAR);
}

/** Return how many slips make one word of another: a letter too many, left out, replaced, or swapped with the next. */
function slips(one, other) {
  const rows = [[...Array(other.length + 1).keys()]];
  for (let i = 1; i <= one.length; i += 1) {
    const before = rows[i - 1];
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = before[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      let fewest = Math.min(before[j] + 1, row[j - 1] + 1, replaced);
      const swapped = i > 1 && j > 1 && one[i - 2] === other[j - 1] && one[i - 1] === other[j - 2];
      if (swapped) fewest = Math.min(fewest, rows[i - 2][j - 2] + 1);
      row.push(fewest);
    }
    rows.push(row);
  }
  return rows[one.length][other.length];
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
