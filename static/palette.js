/* The palette (Ctrl-K): pages and commands are filtered here, objects are asked of the server while somebody types. */
"use strict";

const palette = one("#palette");
const plain = (words) => words.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
const paletteItems = () => all("[role=option]", palette);
const paletteInput = () => one(".palette__input", palette);

async function openPalette() {
  const place = one("#palette-results", palette);
  paletteInput().value = "";
  if (!place.children.length) {
    try {
      const answer = await fetch(palette.dataset.palette, { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected || !answer.ok) throw new Error(answer.status);
      place.innerHTML = await answer.text();
    } catch { palette.close(); showToast(text("textOffline"), "error"); return; }
  }
  dropObjects();
  filterPalette();
  askObjects(); // for what was typed while the list was on its way
}

function filterPalette() {
  const typed = paletteInput().value.trim();
  const wanted = plain(typed).split(/\s+/).filter(Boolean);
  for (const item of paletteItems()) {
    if (item.dataset.search) {
      item.hidden = !typed;
      one("[data-query]", item).textContent = typed;
    } else if (!("object" in item.dataset)) {
      const words = plain(item.dataset.words);
      item.hidden = !wanted.every((word) => words.includes(word));
    }
  }
  choosePalette(null);
  showPalette();
}

function showPalette() {
  const shown = paletteItems().filter((item) => !item.hidden);
  const none = one(".palette__none", palette);
  if (none) none.hidden = shown.length > 0;
  const chosen = shown.find((item) => item.getAttribute("aria-selected") === "true");
  choosePalette(chosen ?? shown[0]);
  announce(String(shown.filter((item) => !item.dataset.search).length));
}

/* objects */

let asking = null;
let askLater = 0;

function dropObjects() { for (const item of all("[data-object]", palette)) item.remove(); }

function askObjects() {
  clearTimeout(askLater);
  asking?.abort();
  const typed = paletteInput().value.trim();
  const list = one("#palette-list", palette);
  if (!list || typed.length < 2) { dropObjects(); showPalette(); return; }
  askLater = setTimeout(async () => {
    asking = new AbortController();
    try {
      const answer = await fetch(`${list.dataset.objects}?${new URLSearchParams({ q: typed })}`, { signal: asking.signal });
      if (answer.redirected || !answer.ok) return;
      const items = document.createElement("template");
      items.innerHTML = await answer.text();
      dropObjects();
      const search = one("[data-search]", list);
      if (search) search.before(items.content); else list.append(items.content);
      showPalette();
    } catch (error) { if (error.name !== "AbortError") dropObjects(); }
  }, 150);
}

/* choosing and opening */

function choosePalette(item) {
  for (const other of paletteItems()) other.setAttribute("aria-selected", String(other === item));
  const input = paletteInput();
  if (item) { input.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); }
  else input.removeAttribute("aria-activedescendant");
}

function openPaletteItem(item, newTab) {
  if (!item) return;
  const url = new URL(item.dataset.href, location.href);
  if (item.dataset.search) url.searchParams.set(item.dataset.search, paletteInput().value.trim());
  if (newTab) open(url, "_blank", "noopener"); else location.assign(url);
}

if (palette) {
  palette.addEventListener("dialog-opened", openPalette);
  paletteInput().addEventListener("input", () => { filterPalette(); askObjects(); });
  palette.addEventListener("keydown", (event) => {
    const shown = paletteItems().filter((item) => !item.hidden);
    const at = shown.findIndex((item) => item.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choosePalette(shown[(at + 1) % shown.length]);
    else if (event.key === "ArrowUp") choosePalette(shown[(at - 1 + shown.length) % shown.length]);
    else if (event.key === "Enter") openPaletteItem(shown[at], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  palette.addEventListener("click", (event) => openPaletteItem(event.target.closest("[role=option]"), event.ctrlKey || event.metaKey));
}
