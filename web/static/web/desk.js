// The review desk and the bank's lines by keyboard, a list that renews itself, and many decisions with a result for each.
const TYPING = "input:not([type=checkbox]), select, textarea, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.(TYPING)) return;
  const row = document.activeElement?.closest("[data-row]");
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) button.click();
  else if (event.key === "j" || event.key === "k") step(row, event.key === "j" ? 1 : -1);
  else if (event.key === "x") choose(row);
  else if (event.key === "/") document.querySelector("#filter_q, #id_q, #bank_q")?.focus();
  else return;
  event.preventDefault();
});

function step(row, by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const next = rows[row ? rows.indexOf(row) + by : 0];
  (next?.querySelector("[data-decides]") ?? next?.querySelector("a"))?.focus();
}

// A row is ticked, or leads to where it is ignored; a page about one line has the reason on it.
function choose(row) {
  const own = row?.querySelector("input[type=checkbox], a[data-ignores]");
  if (own) own.click();
  else document.querySelector("[data-reason] input:not([type=hidden])")?.focus();
}

// What was chosen, and where one was, outlives the list's renewal.
let before = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "rows" && detail.target.id !== "state") return;
  if (detail.target.querySelector("dialog[open]")) {
    detail.shouldSwap = false; // keep what is being typed; the decision will say what happened
    return;
  }
  const at = document.activeElement?.closest("[data-row]")?.querySelector("a")?.pathname;
  before = { at, chosen: [...detail.target.querySelectorAll("[name=id]:checked")].map((box) => box.value) };
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (!before || detail.target.id !== "rows") return;
  for (const box of detail.target.querySelectorAll("[name=id]")) box.checked = before.chosen.includes(box.value);
  for (const link of detail.target.querySelectorAll("[data-row] a")) if (link.pathname === before.at) link.focus();
  before = null;
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-all]")) return;
  for (const box of document.querySelectorAll("[name=id]")) box.checked = target.checked;
});

// Many at once: in pieces, each answered with rows that say what became of it.
const PIECE = 25;
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-parts]");
  if (!form || !form.checkValidity() || form.querySelector("select:has(option[value='']:checked)")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const data = new FormData(form);
  const keys = data.getAll("id");
  data.delete("id");
  form.querySelector(".ask").hidden = true;
  const going = form.querySelector(".going");
  going.hidden = false;
  const bar = going.querySelector("progress");
  const said = going.querySelector("[data-count]");
  let decided = 0;
  let left = 0;
  for (let n = 0; n < keys.length; n += PIECE) {
    const piece = keys.slice(n, n + PIECE);
    const rows = await decide(form, data, piece);
    for (const row of rows) {
      document.getElementById(row.id)?.replaceWith(row);
      row.classList.contains("left") ? left++ : decided++;
    }
    if (!rows.length) left += piece.length;
    bar.value = n + piece.length;
    said.textContent = `${decided} ${form.dataset.said}` + (left ? `, ${left} left alone` : "");
  }
  document.querySelector("h1").textContent = said.textContent;
  for (const count of document.querySelectorAll(".nav-count")) count.dispatchEvent(new Event("look")); // fewer wait now
  going.querySelector("[data-end]").hidden = false;
}, true);

async function decide(form, data, keys) {
  const body = new URLSearchParams(data);
  for (const key of keys) body.append("id", key);
  const answer = await fetch(form.dataset.parts, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) return [];
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("tr[id]")];
}
