// A lesson's live panel: its button loads the lab (lab.js) into the page. Nothing is loaded before.
document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll(".live")) {
    const options = JSON.parse(block.dataset.options);
    const words = JSON.parse(block.dataset.words);
    const button = block.querySelector("button");
    const message = block.querySelector(".live-message");
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (location.protocol === "file:") {
        message.textContent = words.file;
        return;
      }
      button.disabled = true;
      message.textContent = words.wait;
      try {
        const base = new URL(options.base, location.href).href;
        const { mountLab } = await import(`${base}lab.js`);
        await styled(`${base}lab.css`);
        const place = document.createElement("div");
        place.tabIndex = -1;
        block.append(place);
        mountLab(place, { ...options, base });
        // Where a lesson begins from a picture, that is its subject: not folded away, and first.
        const start = place.querySelector("details:has(.sd-start)");
        if (options.settings.start) start?.setAttribute("open", "");
        if (start && options.controls[0] === "strength") start.parentElement.prepend(start);
        button.remove();
        message.textContent = "";
        place.focus({ preventScroll: true }); // the button, which had the focus, is gone
      } catch (error) {
        button.disabled = false;
        message.textContent = words.failed + error.message;
      }
    });
  }
});

/** Add a style sheet to the page, once, and wait until it is there. */
function styled(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve });
    link.onerror = () => reject(new Error(href));
    document.head.append(link);
  });
}
