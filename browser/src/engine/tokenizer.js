// Texts to the numbers that the text encoder reads.

import { Tokenizer as Splitter } from "@huggingface/tokenizers";

export class Tokenizer {
  #splitter;

  /** `file` is what tokenizer.json holds, `config` what tokenizer_config.json holds. */
  constructor(file, config) {
    this.#splitter = new Splitter(file, config);
    this.length = config.model_max_length;
    this.start = this.#splitter.token_to_id(config.bos_token);
    this.end = this.#splitter.token_to_id(config.eos_token);
    this.padding = this.#splitter.token_to_id(config.pad_token);
  }

  /**
   * Return `{tokens, cut}`: the tokens of a text, as many as the text encoder takes, with those for start, end and
   * padding; and what of the text lies beyond them ("" if all of it fits).
   */
  encode(text) {
    // JavaScript makes a final sigma of a capital one where a word ends; the tokenizers of Python do not.
    const { ids } = this.#splitter.encode(text.replaceAll("Σ", "σ"), { add_special_tokens: false });
    const room = this.length - 2;
    const tokens = [this.start, ...ids.slice(0, room), this.end];
    while (tokens.length < this.length) tokens.push(this.padding);
    return { tokens, cut: ids.length > room ? this.#text(ids.slice(room)) : "" };
  }

  #text(ids) {
    return this.#splitter.decode(ids, { clean_up_tokenization_spaces: false }).trim();
  }
}
