/* Lists: moving through rows, choosing them (with Shift: a range), all that match; what the search form sends. */
"use strict";

/* --- rows: j k o x --- */

const rowsOf = () => all("table[data-rows] tbody tr, [data-row]").filter((row) => row.offsetParent !== null);
const linkOf = (row) => one(".rowlink__a, a[href]", row);
const rowAt = () => document.activeElement?.closest("tbody tr, [data-row]");

function moveRow(step) {
  const rows = rowsOf();
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
  (linkOf(next) ?? one(".check", next))?.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

Object.assign(keys, {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  o: () => { const row = rowAt(); const link = row && linkOf(row); link?.click(); return link; },
  x: () => { const box = rowAt()?.querySelector(".check"); box?.click(); return box; },
});

/* --- choosing --- */

const boxesOf = (table) => all("[name=chosen]", table);
let lastBox = null;

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[name=chosen]");
  if (!box) return;
  if (event.shiftKey && lastBox?.isConnected && lastBox.closest("table, .list__body") === box.closest("table, .list__body")) {
    const boxes = boxesOf(box.closest("table, .list__body"));
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    updateChosen();
  }
  lastBox = box;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose-all]")) {
    for (const box of boxesOf(event.target.closest("table, .list__body"))) box.checked = event.target.checked;
  }
  if (event.target.matches("[data-choose-all], [name=chosen], [data-choose-matching] input")) updateChosen();
});

function updateChosen() {
  for (const head of all("[data-choose-all]")) {
    const boxes = boxesOf(head.closest("table, .list__body"));
    const count = boxes.filter((box) => box.checked).length;
    head.checked = count > 0 && count === boxes.length;
    head.indeterminate = count > 0 && count < boxes.length;
  }
  const chosen = all("[name=chosen]:checked").length;
  const isPage = chosen > 0 && chosen === all("[name=chosen]").length;
  for (const bar of all("[data-bulkbar]")) {
    if (!bar.closest(".list__body")) bar.hidden = chosen === 0; // in a list the style sheet does it
    const matching = one("[data-choose-matching]", bar);
    if (matching) {
      matching.hidden = !isPage;
      if (!isPage) one("input", matching).checked = false;
    }
    const isAll = matching && one("input", matching).checked;
    const count = one("[data-chosen-count]", bar);
    if (count) count.textContent = isAll ? matching.dataset.chooseMatching : new Intl.NumberFormat(document.documentElement.lang).format(chosen);
  }
}

document.addEventListener("htmx:afterSettle", () => {
  updateChosen();
  const count = one("#list-count"); // in the title, outside of what is swapped
  if (count) count.textContent = one("#list-body")?.dataset.count ?? "";
});
addEventListener("pageshow", updateChosen); // a browser that comes back keeps the boxes as they were
updateChosen();

/* --- the search form sends only what says something, so that addresses stay short --- */

document.addEventListener("formdata", (event) => {
  if (!event.target.matches?.(".list__form, #list-bulk")) return;
  const standard = one("[name=sort]", event.target)?.dataset.standard;
  for (const [name, value] of [...event.formData]) {
    if (value === "" && name !== "filter") event.formData.delete(name);
    if (name === "sort" && value === standard) event.formData.delete(name);
  }
  if (event.formData.get("all")) event.formData.delete("chosen");
});

document.addEventListener("change", (event) => {
  const menu = event.target.closest(".list__filters details.drop");
  if (!menu) return;
  const badge = one("summary .badge", menu);
  const count = all("input:checked", menu).length;
  if (badge) { badge.textContent = String(count); badge.hidden = count === 0; }
});
