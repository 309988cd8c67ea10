/* The import page: how far the upload is. The page works without it. */
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
