// <div hx-get="..." hx-trigger="look" data-poll="4">: asks every 4 seconds, while somebody looks. What came from the
// server a moment ago, with the page or in place of what asked, waits as long; `data-unknown` asks at once.
// An answer with the header `HX-Trigger: account-changed` also brings the page's content up to date.
const asked = new WeakMap();

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const element of document.querySelectorAll("[data-poll]")) {
    const now = performance.now();
    if (!asked.has(element)) asked.set(element, "unknown" in element.dataset ? -Infinity : now);
    if (now - asked.get(element) < Number(element.dataset.poll) * 1000) continue;
    asked.set(element, now);
    element.dispatchEvent(new Event("look"));
  }
}, 500);

document.addEventListener("account-changed", refresh);

function refresh() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  if (document.querySelector("dialog[open]") || main.querySelector("form :focus")) {
    setTimeout(refresh, 2000); // keep what is being typed
    return;
  }
  htmx.ajax("GET", location.href, { target: "main", select: "main", swap: "outerHTML" });
}
