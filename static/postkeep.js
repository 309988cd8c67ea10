/* The behaviour every page shares. Pages work without it where a form can; nothing here knows what a page is about. */
"use strict";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const text = (name) => document.body.dataset[name] ?? "";
const typing = (element) => element?.closest?.("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]");

/* --- saying things --- */

function announce(words) {
  const place = one("#announcer");
  if (!place || !words) return;
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = words; });
}

function armToast(toast) {
  if (toast.classList.contains("toast--error")) return; // stays until it is dismissed
  let timer = 0;
  const start = () => { timer = setTimeout(() => toast.remove(), 7000); };
  const stop = () => clearTimeout(timer);
  for (const event of ["mouseenter", "focusin"]) toast.addEventListener(event, stop);
  for (const event of ["mouseleave", "focusout"]) toast.addEventListener(event, start);
  start();
}

function showToast(words, level = "success") {
  const toast = one("#toast-template").content.firstElementChild.cloneNode(true);
  toast.classList.replace("toast--info", `toast--${level}`);
  one(".toast__text", toast).textContent = words;
  toast.setAttribute("role", level === "error" ? "alert" : "status");
  one("#toasts").append(toast);
  armToast(toast);
}

document.addEventListener("toast", (event) => showToast(event.detail.text, event.detail.level));

/* --- dialogs: native, so focus is trapped and given back by the browser --- */

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  for (const menu of all("[popover]:popover-open")) menu.hidePopover();
  dialog.showModal();
  dialog.dispatchEvent(new Event("dialog-opened"));
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) openDialog(opener.dataset.openDialog);
  event.target.closest("[data-close-dialog]")?.closest("dialog").close("cancel");
  if (event.target.closest("[data-dismiss]")) event.target.closest("[data-toast]")?.remove();
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close("cancel");
  }
});

/* Confirmation: <button data-confirm="What will happen" data-confirm-verb="Delete 3 users" data-confirm-type="example.org"> */

const confirmed = new WeakSet();

function askFirst(button, form) {
  const dialog = one("#confirm");
  const { confirm, confirmVerb, confirmTitle, confirmType } = button.dataset;
  const go = one("[value=confirm]", dialog);
  const typed = one("#confirm-typed");
  const verb = confirmVerb || button.textContent.trim();
  one("#confirm-title").textContent = confirmTitle || `${verb}?`;
  one("#confirm-text").textContent = confirm;
  go.textContent = verb;
  go.classList.toggle("btn--danger", !("confirmCalm" in button.dataset));
  go.classList.toggle("btn--primary", "confirmCalm" in button.dataset);
  one(".dialog__typed", dialog).hidden = !confirmType;
  one(".dialog__word", dialog).textContent = confirmType || "";
  typed.value = "";
  go.disabled = Boolean(confirmType);
  typed.oninput = () => { go.disabled = Boolean(confirmType) && typed.value.trim() !== confirmType; };
  dialog.returnValue = "cancel";
  dialog.onclose = () => {
    button.focus();
    if (dialog.returnValue !== "confirm") return;
    confirmed.add(button);
    if (form) form.requestSubmit(button); else button.click();
  };
  dialog.showModal();
  (confirmType ? typed : one("[data-close-dialog]", dialog)).focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button || button.disabled) return;
  if (confirmed.delete(button)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  askFirst(button, button.form && button.type === "submit" ? button.form : null);
}, true);

document.addEventListener("submit", (event) => {
  // requestSubmit(button) fires no click, so the mark set by the dialog is used up here
  if (event.submitter) confirmed.delete(event.submitter);
}, true);

/* --- forms --- */

const dirty = new Set();

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[method=post]");
  if (form && !form.closest(".segment, dialog") && !("keepQuiet" in form.dataset) && event.target.type !== "search") dirty.add(form);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  dirty.delete(form);
  if (form.method !== "post" || event.defaultPrevented) return;
  const button = event.submitter;
  if (!button || form.closest(".segment")) return;
  button.setAttribute("aria-busy", "true"); // says so, and a second click does nothing
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[aria-busy=true][type=submit]")) event.preventDefault();
}, true);
addEventListener("pageshow", () => all("[aria-busy=true]").forEach((busy) => busy.removeAttribute("aria-busy")));
function markRefused(place) { // a form that came back with errors holds what isn't saved
  for (const wrong of all(".errors, .field--error", place)) {
    const form = wrong.closest("form[method=post]");
    if (form && !form.closest("[data-still]")) dirty.add(form);
  }
}
addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-preference]");
  const button = event.submitter;
  if (!form || !button) return;
  event.preventDefault();
  const body = new FormData(form, button);
  document.documentElement.dataset[form.dataset.preference] = button.value;
  for (const twin of all(`form[data-preference=${form.dataset.preference}] button`)) {
    twin.setAttribute("aria-pressed", String(twin.value === button.value));
  }
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok) showToast(text("textRefused"), "error");
  } catch { showToast(text("textOffline"), "error"); }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

/* --- copy --- */

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { // not a secure context: the old way
    const field = Object.assign(document.createElement("textarea"), { value: button.dataset.copy });
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  const label = one("span", button) ?? button;
  button.dataset.was ??= label.textContent;
  label.textContent = text("textCopied");
  announce(text("textCopied"));
  setTimeout(() => { label.textContent = button.dataset.was; }, 2000);
});

/* --- drops: <details class="drop"> closes like a menu --- */

function closeDrops(except, giveFocus = false) {
  const open = all("details.drop[open]").filter((drop) => !except || !drop.contains(except));
  for (const drop of open) {
    if (giveFocus && drop.contains(document.activeElement)) one("summary", drop).focus();
    drop.open = false;
  }
  return open.length > 0;
}

document.addEventListener("click", (event) => closeDrops(event.target));
document.addEventListener("focusin", (event) => { if (event.target.closest("main, .topbar")) closeDrops(event.target); });

/* --- keyboard --- */

let pendingGo = 0;

const keys = {
  "/": () => { const box = one("[data-search-box], main input[type=search]"); box?.focus(); box?.select(); return box; },
  "?": () => { openDialog("keyboard-help"); return true; },
  e: () => { const edit = one("[data-edit]"); edit?.click(); return edit; },
  g: () => { pendingGo = Date.now(); return true; },
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openDialog("palette");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || one("dialog[open]")) return;
  if (event.key === "Escape" && closeDrops(null, true)) return;
  const cancel = event.key === "Escape" && document.activeElement?.closest("form")?.querySelector("[data-cancel]");
  if (cancel) { event.preventDefault(); cancel.click(); return; }
  if (event.key === "Escape" && typing(document.activeElement)) { document.activeElement.blur(); return; }
  if (typing(event.target)) return;
  if (pendingGo && Date.now() - pendingGo < 1500) {
    pendingGo = 0;
    const link = one(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); location.assign(link.href); return; }
  }
  if (keys[event.key]?.()) event.preventDefault();
});

/* --- htmx: keep focus, announce, never fail silently --- */

document.addEventListener("htmx:configRequest", (event) => {
  // what a page asks by itself, over and over, is no sign of a person: the session may go idle (accounts.sessions)
  if (!event.detail.triggeringEvent) event.detail.headers["X-Unattended"] = "1";
});

let focusedId = "";
let unfolded = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  const active = document.activeElement;
  focusedId = active && event.detail.target.contains(active) ? active.id : "";
  unfolded = all("details", event.detail.target).map((details) => details.open);
});
document.addEventListener("htmx:afterSwap", (event) => {
  // a region that renews itself folds nothing the person has opened
  if (event.detail.requestConfig?.triggeringEvent) return;
  all("details", event.detail.elt).forEach((details, index) => { details.open ||= Boolean(unfolded[index]); });
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  focusedId = "";
  const place = event.detail.elt;
  announceChange(place);
  (place.matches?.("[data-focus]") ? place : one("[data-focus], [data-focus-first] :is(input:not([type=hidden]), select, textarea)", place))?.focus();
  markRefused(place);
});

const announced = new Map();
function announceChange(place) {
  for (const part of [place, ...all("[data-announce]", place)]) {
    if (!part.dataset?.announce || !part.id) continue;
    const words = part.dataset.announce;
    if (announced.has(part.id) && announced.get(part.id) !== words) announce(words);
    announced.set(part.id, words);
  }
}

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) showToast(text("textRefused"), "error");
  else if (event.detail.xhr.status >= 500) showToast(`${text("textRefused")} ${event.detail.xhr.getResponseHeader("X-Error-ID") ?? ""}`, "error");
  else showToast(text("textRefused"), "error");
});
let offlineSaid = 0;
document.addEventListener("htmx:sendError", () => {
  if (Date.now() - offlineSaid > 30000) showToast(text("textOffline"), "error");
  offlineSaid = Date.now();
});

/* --- at the start --- */

all("[data-toast]").forEach((toast) => { if (toast.closest("#toasts")) armToast(toast); });
announceChange(document.body);
const awaited = one("main [data-focus]:not([data-still] *)");
if (awaited) awaited.focus();
else if (matchMedia("(pointer: fine)").matches && !location.hash) one("form[data-focus-first] :is(input:not([type=hidden], [type=file], [type=radio], [type=checkbox]), textarea)")?.focus({ preventScroll: true });
markRefused(document);
for (const back of all("[data-back]")) {
  back.addEventListener("click", (event) => { if (history.length > 1) { event.preventDefault(); history.back(); } });
}
