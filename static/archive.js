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
