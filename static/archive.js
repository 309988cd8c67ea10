/* The pages of the archive: how far an upload is, and the keys of the reading page. They work without it. */
"use strict";
document.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form || !event.detail.lengthComputable || event.detail.total < 65536) return;
  const place = form.querySelector(".uploadbar");
  const words = place.querySelector(".uploadbar__text");
  const percent = Math.floor((100 * event.detail.loaded) / event.detail.total);
  place.hidden = false;
  place.querySelector("progress").value = percent;
  const amount = (bytes) => `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(bytes / 1048576)} MiB`;
  words.textContent = percent === 100 ? words.dataset.sent : `${words.dataset.sending} ${amount(event.detail.loaded)} / ${amount(event.detail.total)} (${percent} %)`;
});

/* A message: j and k go to the older and newer one of the list, u back to the list. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const place = { j: "[data-older]", k: "[data-newer]", u: "[data-list]" }[event.key];
  const link = place && document.querySelector(place);
  if (link) { event.preventDefault(); link.click(); }
});

/* The tree of folders: a branch is fetched when it is opened; arrows go through it, to the right in, to the left out. */
const treeLevel = (line) => Number(line?.dataset.level || 0);
const treeToggle = (line) => line?.querySelector("[data-toggle]");
function foldTree(line) {
  treeToggle(line).setAttribute("aria-expanded", "false");
  while (treeLevel(line.nextElementSibling) > treeLevel(line)) line.nextElementSibling.remove();
}
document.addEventListener("click", (event) => {
  const toggle = event.target.closest?.("[data-tree] [data-toggle][aria-expanded=true]");
  if (toggle) { event.preventDefault(); event.stopImmediatePropagation(); foldTree(toggle.closest("li")); }
}, true);
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.target.matches?.("[data-toggle]")) event.target.setAttribute("aria-expanded", "true");
});
document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.("[data-tree] a");
  if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
  const line = link.closest("li"), lines = [...link.closest("[data-tree]").children], at = lines.indexOf(line);
  const go = (where) => where?.querySelector(".tree__item")?.focus();
  const toggle = treeToggle(line), open = toggle?.getAttribute("aria-expanded") === "true";
  const above = () => { let before = line; while (treeLevel(before) >= treeLevel(line) && before) before = before.previousElementSibling; return before; };
  const keys = {
    ArrowDown: () => go(lines[at + 1]), ArrowUp: () => go(lines[at - 1]), Home: () => go(lines[0]), End: () => go(lines.at(-1)),
    ArrowRight: () => { if (toggle && !open) toggle.click(); else if (open) go(lines[at + 1]); },
    " ": () => { if (link === toggle) toggle.click(); else link.click(); },
    ArrowLeft: () => { if (open) foldTree(line); else go(above()); },
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
