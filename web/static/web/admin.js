// What the admin's own scripts leave without a name for those who do not see the page.
window.addEventListener("load", () => setTimeout(() => {
  const search = document.querySelector("#searchbar");
  search?.setAttribute("aria-label", "Search");
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]")) icon.setAttribute("role", "img");
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const words = document.querySelector(`label[for="${CSS.escape(select.id)}"]`)?.textContent.trim().replace(/:$/, "");
    const shown = select.nextElementSibling?.querySelectorAll("[role=combobox], [role=textbox]") ?? [];
    for (const part of words ? shown : []) part.setAttribute("aria-label", words);
  }
}));
