/* Pages of signatures: a formatted view beside the HTML source, pictures put into it, and a preview while typing. The
   source is the truth: without scripts the text field alone does it. */
"use strict";

const form = document.querySelector("#signature-form");
const source = form?.querySelector("textarea[data-signature]");
const previewForm = document.querySelector("#preview-form");

const shownUrls = (html) => html.replace(/cid:picture-(\d+)/g, "/signatures/pictures/$1/");
const keptUrls = (html) => html.replace(/(?:https?:\/\/[^"'\/]+)?\/signatures\/pictures\/(\d+)\//g, "cid:picture-$1");

/* --- the preview: a form of its own into the frame, so that nothing of the page is left --- */

let waiting = 0;
function preview() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    previewForm.elements.html.value = source.value;
    previewForm.elements.text.value = form.elements.text?.value ?? "";
    previewForm.submit();
  }, 300);
}

/* --- formatted writing, in a frame of its own origin's without scripts --- */

function editor() {
  const made = document.querySelector("#signature-tools").content.firstElementChild.cloneNode(true);
  const canvas = made.querySelector("iframe");
  const toggle = made.querySelector("[data-source]");
  let page = null;

  function toSource() {
    source.value = keptUrls(page.body.innerHTML);
    source.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function toPage() {
    if (page) page.body.innerHTML = shownUrls(source.value);
  }
  function show(formatted) {
    made.classList.toggle("editor--source", !formatted);
    made.classList.toggle("editor--formatted", formatted);
    toggle.setAttribute("aria-pressed", String(!formatted));
    if (formatted) toPage();
  }
  function run(command, value = null) {
    page.body.focus();
    page.execCommand("styleWithCSS", false, false);
    page.execCommand(command, false, value);
    toSource();
  }

  canvas.addEventListener("load", () => {
    page = canvas.contentDocument;
    page.documentElement.lang = document.documentElement.lang;
    page.body.contentEditable = "true";
    page.body.setAttribute("role", "textbox");
    page.body.setAttribute("aria-multiline", "true");
    page.body.setAttribute("aria-label", canvas.title);
    page.body.addEventListener("input", toSource);
    toPage();
  });
  made.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button === toggle) { show(made.classList.contains("editor--source")); return; }
    if (!page) return; // the frame is still loading
    const { command, ask } = button.dataset;
    if (!ask) { run(command); return; }
    const value = prompt(ask, "https://");
    if (value) run(command, value);
  });
  made.querySelector("input[type=file]").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file || !page) return;
    const data = new FormData();
    data.append("picture", file);
    const token = form.elements.csrfmiddlewaretoken.value;
    const answer = await fetch(form.dataset.pictureUrl, {
      method: "POST", body: data, headers: { "X-CSRFToken": token, Accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      const picture = page.createElement("img");
      picture.src = said.url;
      picture.alt = said.name.replace(/\.[a-z]+$/i, "");
      const chosen = page.getSelection();
      if (chosen.rangeCount && page.body.contains(chosen.anchorNode)) chosen.getRangeAt(0).insertNode(picture);
      else page.body.append(picture);
      chosen.collapse(picture.parentNode, [...picture.parentNode.childNodes].indexOf(picture) + 1);
      toSource();
    } else document.dispatchEvent(new CustomEvent("toast", { detail: { text: said.problem ?? answer.statusText, level: "error" } }));
  });
  canvas.src = source.dataset.canvas;
  source.parentElement.classList.add("editor-field");
  source.before(made);
  show(true);
}

if (source && previewForm) {
  for (const button of form.querySelectorAll("[data-no-script-only]")) button.hidden = true;
  editor();
  form.addEventListener("input", preview);
  previewForm.addEventListener("input", preview);
  previewForm.addEventListener("submit", (event) => { event.preventDefault(); preview(); });
  preview();
}
