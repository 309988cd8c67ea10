/* The report in its frame is as high as it is: no scroll bar inside the page. Without this the frame scrolls. */
"use strict";
(() => {
  const fit = (frame) => {
    const page = frame.contentDocument?.documentElement;
    if (page) frame.style.height = `${page.scrollHeight + 2}px`;
  };
  const watch = (frame) => {
    const page = frame.contentDocument;
    if (!page?.body) return;
    fit(frame);
    new ResizeObserver(() => fit(frame)).observe(page.body);
  };
  const all = () => document.querySelectorAll("iframe[data-fit]").forEach((frame) => {
    if (frame.dataset.fit) return;
    frame.dataset.fit = "on";
    frame.addEventListener("load", () => watch(frame));
    if (frame.contentDocument?.readyState === "complete") watch(frame);
  });
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:load", all);
  all();
})();
