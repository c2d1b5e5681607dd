// What other programs would read as a command in a prompt and diffusers reads as letters, as sdkit/words.py finds it.

const WORD = "\\p{L}\\p{N}_"; // Python's \w
const LETTER = "\\p{L}\\p{Nl}\\p{No}"; // a sign of a word that is no digit

const MARKS = [
  // (cat:1.3), not (16:9) or (a happy cat :3)
  String.raw`\([^()]*?[^()\d](?:\s?:\s?[+\-]?\d?\.\d+|(?<!\s):[+\-]?\d\.?)\s?\)`,
  String.raw`\({2}[^()]+\){2}`,
  String.raw`\({1,3}[^()]+\){1,3}\s?:\s?[+\-]?\d?\.\d+\s?\)`, // ((cat):1.3)
  String.raw`\({3,9}[^()]+$`, // never closed
  String.raw`\[[^\][]+\]`,
  String.raw`\{{2}[^{}]+\}{2}`,
  String.raw`\{[^{}|]+\|[^{}]+\}`,
  String.raw`(?<![${WORD}])__[\p{L}\p{N}]+(?:[\-\/_][\p{L}\p{N}]+)*__(?![${WORD}])`,
  String.raw`\([^()]+\)(?:\+{1,9}|-{1,9}|\d\.\d+)(?![${WORD}])`,
  String.raw`[${LETTER}]{2,30}(?:\+{2,9}|-{2,9})(?![${WORD}+\-])`, // cat++, not C++
  String.raw`(?<![${WORD}.])-?\d?\.?\d{1,9}::[^:]{1,200}::`, // 1.2::cat::
  String.raw`(?<!::)(?<![${WORD}])[${LETTER}_][${WORD}]{0,30}::(?:-?\d?\.?\d{1,9})?(?=\s|$)`, // cat::2 dog::1
  String.raw`<(?:wildcard|random)(?![${WORD}])[^<>]*>`,
  String.raw`<(?:lora|lyco|locon|hypernet)(?![${WORD}])[^<>]*>`,
  String.raw`(?<![${WORD}])embedding:[${WORD}.\/\-]+`,
  String.raw`(?<![${WORD}"'])(?:AND|BREAK|AND_[A-Z]{2,9})(?![${WORD}"'])`,
  String.raw`\.(?:and|blend|swap)\(`,
  String.raw`(?<!\S)--(?:ar|v|no|niji|seed|stylize|style|chaos|tile|iw|q|s)(?![${WORD}])`,
].map((source) => new RegExp(source, "gu"));

// The wide brackets and signs of a Japanese keyboard.
const WIDE = "（）［］｛｝＜＞：＋．｜";
const NARROW = "()[]{}<>:+.|";

/** Return the parts of a prompt that are such commands, each once. */
export function marksOf(prompt) {
  const narrow = prompt.replace(/[（）［］｛｝＜＞：＋．｜]/g, (sign) => NARROW[WIDE.indexOf(sign)]); // as long as the prompt
  const found = MARKS.flatMap((mark) =>
    [...narrow.matchAll(mark)]
      .filter(([text]) => isMark(text, prompt))
      .map(({ 0: text, index }) => prompt.slice(index, index + text.length)),
  );
  return [...new Set(found)];
}

function isMark(text, prompt) {
  if (/^[A-Z_]+$/.test(text)) return /\p{Ll}/u.test(prompt); // in a prompt all in capitals AND is a word like the others
  if (text.startsWith("[")) return /\p{L}/u.test(text); // "[1]" is a footnote
  return true;
}
