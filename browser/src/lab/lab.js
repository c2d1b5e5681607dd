// The lab: controls for one picture after another, computed in the page by the engine.

import { createEngine } from "../engine/client.js";
import { fromAddress, toAddress } from "./address.js";
import { controlOf } from "./controls.js";
import { button, element } from "./elements.js";
import { addressNote, effectOf, aboutWords } from "./notes.js";
import { paletteOf } from "./palette.js";
import { providerChoice } from "./provider.js";
import { callOf, NAMES, SCHEDULERS, SETTINGS, startValues, withoutEffect } from "./settings.js";
import { startPicture } from "./start_picture.js";
import { differences } from "./measure.js";
import { codesOf, copyLink, savePicture } from "./take_along.js";
import { TEXTS } from "./texts.js";
import { viewOf } from "./view.js";

const ASIDE = ["eta", "guidance_rescale", "height", "width"]; // folded where there are many controls
const MANY = 5; // controls
const MEGABYTE = 1e6;
const PAGES = { en: "index.html", ja: "ja.html" };

/**
 * Put a lab into an element of the page.
 *
 * `base` is the URL of the folder with worker.js, runtime/ and models/; `language` "en" or "ja"; `controls` the names
 * of the settings to show (all without it); `settings` values to start with, by name, those of settings that are not
 * shown too, and "start" for the name of a sample picture; with `autorun` the first picture is made at once, else
 * nothing is fetched before a button is pressed. With `ownsAddress` the settings stand in the page's address.
 */
export function mountLab(
  place,
  { base, language = "en", controls: shown = NAMES, settings = {}, autorun = false, ownsAddress = false },
) {
  const texts = TEXTS[language];
  const folder = new URL(`${String(base).replace(/\/+$/, "")}/`, document.baseURI);
  let values = startValues(settings); // of the settings without a control
  let engine = null; // a promise
  let ready = null; // the engine
  let model = null; // what models/model.json holds
  let run = null; // the present one: {controller, done}
  let result = null;
  let pinned = null;
  let made = 0;
  let addressNotes = []; // what the address held that cannot be used

  const changed = () => {
    addressNotes = [];
    tellEffects();
    followSize();
    if (!run && isAsBefore()) {
      view.setStale(false);
      view.progress(texts.took(result.seconds.toFixed(1)));
    } else if (live.checked && (ready || run)) request();
    else if (result) setStale();
  };
  const all = Object.fromEntries(
    shown.map((name) => [name, controlOf(name, values[name], texts, () => onChange(name))]),
  );
  const start = all.strength ? startPicture(all.strength, texts, changed, () => result?.image ?? null) : null;
  const provider = providerChoice(texts, changeProvider);
  const palette = paletteOf(texts, language, choose);
  const view = viewOf(texts, inWords, { pin, save, code: showCode, link: showLink, restore }, provider.element);

  const generate = element("button", { type: "submit", class: "sd-button sd-main" }, texts.generate);
  const stop = button(texts.stop, stopRun, { disabled: true });
  const live = element("input", { type: "checkbox", checked: true });
  const form = element(
    "form",
    { class: "sd-bar", onsubmit: (event) => (event.preventDefault(), request()) },
    all.prompt?.element ?? null,
    element(
      "div",
      { class: "sd-buttons" },
      generate,
      stop,
      element("label", { class: "sd-choice", title: texts.liveHint }, live, texts.live),
    ),
    all.prompt ? palette.element : null,
  );
  place.replaceChildren(
    element(
      "div",
      { class: "sd-lab", lang: language },
      form,
      element("div", { class: "sd-body" }, view.element, settingsOf(shown, all, start, texts)),
    ),
  );
  if (settings.start) start?.put(null, settings.start);
  view.progress(texts.wait);
  if (ownsAddress) {
    takeAddress();
    window.addEventListener("hashchange", () => {
      takeAddress();
      request();
    });
  }
  tellEffects();
  followSize();
  if (autorun) request();

  /** Check a control that was changed, and go on unless its value cannot be used. */
  function onChange(name) {
    view.fail(null); // it was about other values
    all[name].mark();
    if (all[name].problem === null) changed();
  }

  /** Take what was chosen from the palette as the prompt. */
  function choose(name) {
    all.prompt.value = name;
    addressNotes = [];
    request();
  }

  /** Let another provider compute from now on. */
  function changeProvider() {
    run?.controller.abort();
    ready?.close();
    ready = engine = null;
    if (model) request();
  }

  function present() {
    const own = Object.fromEntries(Object.entries(all).map(([name, control]) => [name, control.value]));
    return { ...values, ...own };
  }

  /** Say whether the settings make the picture that is shown, as they do where only what has no part in it differs. */
  function isAsBefore() {
    return result !== null && differences(result.call, callOf(present(), start?.image ?? null)).length === 0;
  }

  /** Say beside each control what has no effect now, and which words are unknown; `more` is what the engine told. */
  function tellEffects(more = []) {
    const found = [...withoutEffect(present(), Boolean(start?.isUsed)), ...more];
    if (start && !start.isUsed && all.strength.value !== SETTINGS.strength.start) {
      found.push({ argument: "strength", reason: "start" });
    }
    for (const [name, control] of Object.entries(all)) {
      if (control.problem !== null) continue;
      const sentences = found.filter(({ argument }) => argument === name).map((one) => effectOf(one, texts));
      if (model && name.endsWith("prompt")) sentences.push(...aboutWords(control.value, model.words, texts));
      control.tell(sentences.join(" ") || null);
    }
  }

  function followSize() {
    const { height, width } = present();
    if (start && [all.height, all.width].every((control) => !control?.problem)) start.resize(width, height);
  }

  function setStale() {
    view.setStale(true);
    view.progress(texts.stale);
  }

  /** Make a picture of the present settings; a run that goes on is stopped. */
  async function request() {
    const wrong = Object.values(all).filter((control) => control.problem !== null);
    for (const control of wrong) control.mark();
    if (wrong.length) {
      view.progress(texts.mend);
      view.say(texts.mend);
      wrong[0].focus();
      return;
    }
    run?.controller.abort();
    const mine = { controller: new AbortController(), before: run?.done };
    run = mine;
    mine.done = work(mine);
    await mine.done;
    if (run === mine) {
      run = null;
      stop.disabled = true;
    }
  }

  async function work(mine) {
    const { signal } = mine.controller;
    const isPresent = () => run === mine;
    stop.disabled = false;
    view.fail(null);
    view.setStale(true);
    view.notes(addressNotes);
    try {
      await mine.before;
      if (!ready) {
        view.progress(texts.starting, 0);
        view.say(texts.starting);
        ready = await started();
        view.tellBackend(ready.backend);
        ({ model } = ready);
        palette.fill(model.objects);
      }
      if (signal.aborted) throw new DOMException("", "AbortError");
      view.progress(texts.begins, 0);
      view.say(texts.begins);
      const image = start?.image ?? null;
      const asked = present();
      const { backend } = ready;
      const told = { values: asked, sample: start?.sample ?? null, start: image, call: callOf(asked, image), backend };
      const onStep = (step) => isPresent() && !signal.aborted && showStep(step, asked);
      const done = await ready.generate(told.call, { onStep, signal });
      if (!isPresent()) return;
      keep({ ...told, ...done, number: (made += 1) });
    } catch (error) {
      if (isPresent()) showFailure(error);
    }
  }

  async function started() {
    const onProgress = ({ loaded, total }) => {
      const inMegabytes = [loaded, total].map((bytes) => (bytes / MEGABYTE).toFixed(0));
      view.progress(texts.loading(...inMegabytes), total ? loaded / total : 0);
    };
    provider.isDisabled = true; // one model is loaded at a time
    engine ??= createEngine({ base: folder.href, onProgress, provider: provider.value });
    try {
      return await engine;
    } catch (error) {
      engine = null; // the next press of the button tries again
      const code = error.code === "provider" ? "provider" : "load";
      throw Object.assign(new Error(error.message, { cause: error }), { code });
    } finally {
      provider.isDisabled = false;
    }
  }

  function showStep({ step, steps, preview }, { num_inference_steps: asked, scheduler }) {
    const text =
      steps === asked || start?.isUsed
        ? texts.step(step, steps)
        : texts.stepsOf(step, steps, SCHEDULERS[scheduler], asked);
    view.progress(text, step / steps);
    if (preview) view.preview(preview);
  }

  function keep(made) {
    result = made;
    view.add(made);
    show();
    const seconds = made.seconds.toFixed(1);
    view.progress(texts.took(seconds));
    view.say(texts.made(made.number, inWords(made), seconds));
    if (ownsAddress) window.history.replaceState(null, "", `#${toAddress(made.values, made.sample)}`);
  }

  function show() {
    view.setStale(false);
    view.show(result, pinned);
    const { noEffect } = result;
    tellEffects(noEffect.filter(({ reason }) => reason === "cut")); // the rest follows from the settings
    const others = noEffect.filter(({ argument }) => !all[argument]);
    view.notes([...addressNotes, ...others.map((one) => `${one.argument}: ${effectOf(one, texts)}`)]);
  }

  function showFailure(error) {
    view.say("");
    view.show(result, pinned);
    view.setStale(result !== null);
    if (error.name === "AbortError") {
      const text = result ? texts.stoppedBefore : texts.stopped;
      view.progress(text);
      view.say(text);
      return;
    }
    view.progress(result ? texts.failedBefore : "");
    const refused = texts[`refused_${error.code}`];
    if (refused) {
      const sentence = typeof refused === "function" ? refused(SCHEDULERS[present().scheduler]) : refused;
      view.fail(error.code in all ? `${error.code}: ${sentence}` : sentence);
      all[error.code]?.tell(sentence, true);
    } else {
      if (!error.code) ready = engine = null; // it may have stopped for good; the next press loads it again
      // What was missing where is of use to those who run the server.
      if (error.code === "load") console.error(error);
      view.fail(error.code === "load" ? texts.loadFailed : `${texts.failed} ${error.message}`);
    }
  }

  function stopRun() {
    run?.controller.abort();
    stop.disabled = true;
    view.progress(texts.stopping);
  }

  /** Say in one line which result it is, as captions of sdkit do. */
  function inWords({
    values: { prompt, seed, num_inference_steps, guidance_scale, scheduler, strength, ...rest },
    start: image,
  }) {
    const unusual = Object.entries(rest).filter(([name, value]) => value !== SETTINGS[name].start);
    const told = {
      seed,
      num_inference_steps,
      guidance_scale,
      scheduler: SCHEDULERS[scheduler],
      ...Object.fromEntries(unusual),
      ...(image ? { strength } : {}),
    };
    return [prompt || '""', ...Object.entries(told).map(([name, value]) => `${name} = ${value}`)].join(", ");
  }

  /** Show a result from the history, and set the controls to what it was made with. */
  function restore(earlier) {
    run?.controller.abort();
    run = null;
    stop.disabled = true;
    result = earlier;
    put(earlier.values);
    start?.put(earlier.start, earlier.sample);
    show();
    const text = texts.fromHistory(earlier.number, earlier.seconds.toFixed(1));
    view.fail(null);
    view.progress(text);
    view.say(text);
    if (ownsAddress) window.history.replaceState(null, "", `#${toAddress(earlier.values, earlier.sample)}`);
  }

  function put(given) {
    values = { ...values, ...given };
    for (const [name, control] of Object.entries(all)) {
      if (!(name in given)) continue;
      control.value = given[name];
      const folded = control.element.closest("details");
      // What is set must be seen; strength belongs to the start picture, whose part opens with it.
      if (folded && name !== "strength" && given[name] !== SETTINGS[name].start) folded.open = true;
    }
    followSize();
  }

  function pin() {
    pinned = pinned === null ? result : null;
    view.show(result, pinned);
    const text = pinned ? texts.pinnedNow : texts.unpinnedNow;
    view.progress(text);
    view.say(text);
  }

  async function save() {
    const text = texts.saved(await savePicture(result, model));
    view.progress(text);
    view.say(text);
  }

  function showCode() {
    view.toggleCode(codesOf(result, model, texts), result.start ? texts.codeWithPicture : null);
  }

  async function showLink() {
    const page = ownsAddress ? location.href : new URL(PAGES[language], folder);
    const { url, sentence } = await copyLink(result, page, texts);
    view.showLink(url, sentence);
    view.say(sentence);
  }

  function takeAddress() {
    const { values: given, sample, problems } = fromAddress(location.hash);
    put({ ...startValues(settings), ...given });
    start?.put(null, sample);
    if (sample) start.element.closest("details").open = true;
    addressNotes = problems.map((problem) => addressNote(problem, texts));
    view.notes(addressNotes);
  }
}

/** Return the part with the settings: the usual ones, and folded the rest where there are many. */
function settingsOf(shown, all, start, texts) {
  const names = shown.filter((name) => name !== "prompt" && name !== "strength");
  const isMany = names.length > MANY;
  const aside = isMany ? names.filter((name) => ASIDE.includes(name)) : [];
  const elements = (some) => some.map((name) => all[name].element);
  const folded = (title, ...children) => element("details", {}, element("summary", {}, title), ...children);
  return element(
    "section",
    { class: "sd-settings", "aria-label": texts.settings },
    ...elements(names.filter((name) => !aside.includes(name))),
    start ? folded(texts.fromPicture, start.element) : null,
    aside.length ? folded(texts.more, ...elements(aside)) : null,
  );
}
