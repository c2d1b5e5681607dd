// The search: a lesson whose name is the question comes first, found words are marked whole, and what is shown of a
// page is taken from its text alone, without buttons, links to other pages and live panels.

// What readers call the subjects of lessons, besides their titles.
const OTHER_NAMES = {
  "03_prompt": ["プロンプト"],
  "04_generator": ["seed", "seeds", "シード", "乱数", "乱数生成器", "random seed"],
  "05_negative_prompt": ["ネガティブプロンプト", "ネガティブ・プロンプト", "負のプロンプト", "否定プロンプト"],
  "06_guidance_scale": ["guidance", "CFG", "CFG scale", "ガイダンス", "ガイダンススケール"],
  "07_num_inference_steps": ["steps", "number of steps", "inference steps", "ステップ", "ステップ数"],
  "08_scheduler": ["scheduler", "schedulers", "sampler", "samplers", "サンプラー", "DDIM", "PNDM", "Euler a"],
  "09_latents": ["latent", "潜在変数"],
  "10_height_and_width": ["height", "width", "size", "resolution", "大きさ", "サイズ", "解像度"],
  "11_num_images_per_prompt": ["batch", "バッチ"],
  "13_output": ["output_type", "return_dict"],
  "14_from_pretrained": ["checkpoint", "checkpoints", "チェックポイント"],
  "15_image_to_image": ["image to image", "img2img", "i2i", "strength", "ノイズ除去強度"],
  "16_inpaint": ["inpainting", "mask", "mask_image", "マスク"],
  "17_device_and_dtype": ["device", "dtype", "デバイス"],
  "18_memory": ["attention slicing", "enable_attention_slicing"],
  "20_callbacks": ["callback", "callback_on_step_end"],
  "21_own_timesteps": ["timesteps", "sigmas", "タイムステップ"],
  "22_attention": ["cross_attention_kwargs", "アテンション"],
  "23_guidance_beyond": ["guidance_rescale", "guider", "guiders"],
  "27_new_word": ["textual inversion", "embedding"],
};

/** Return a name without number, case, and the difference between "_", "-" and a space. */
const plain = (name) => name.normalize("NFKC").replace(/^\s*\d+\s·/u, "").toLowerCase().replace(/[\s_-]+/g, " ").trim();

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") {
    // Not the page that searches: nothing to hide where nothing is marked (Sphinx marks 10 ms from here).
    setTimeout(() => {
      if (!document.querySelector("span.highlighted")) document.querySelector(".highlight-link")?.remove();
    }, 100);
    return;
  }

  const search = Search._performSearch;
  Search._performSearch = (question, ...terms) => {
    const found = search(question, ...terms);
    const { docnames, titles, filenames } = Search._index;
    docnames.forEach((page, place) => {
      const names = [titles[place], ...(OTHER_NAMES[page.replace("lessons/", "")] ?? [])].map(plain);
      if (!page.startsWith("lessons/") || !names.includes(plain(question))) return;
      const others = found.filter(([name, , anchor]) => name !== page || anchor);
      const first = [page, titles[place], "", null, 1000, filenames[place], "title"];
      found.splice(0, found.length, ...others, first); // the last one is shown first
    });
    return found;
  };

  // Sphinx marks what it looks for, in Japanese pairs of characters; readers look for words.
  let words = [];
  const parse = Search._parseQuery;
  Search._parseQuery = (question) => {
    const parsed = parse(question);
    words = question.toLowerCase().split(/\s+/).filter(Boolean);
    localStorage.setItem("sphinx_highlight_terms", words.join(" "));
    parsed[3] = new Set(words);
    return parsed;
  };
  const summary = Search.makeSearchSummary;
  Search.makeSearchSummary = (html, terms, anchor) => summary(html, [...terms, ...words], anchor);

  const textOf = Search.htmlToText;
  const ASIDE = ".bd-header-article, .bd-sidebar-secondary, .prev-next-footer, .onlyprint, .live, figcaption";
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const part of page.querySelectorAll(ASIDE)) part.remove();
    return textOf(page.documentElement.outerHTML, anchor).replace(/\s+/g, " ");
  };
});
