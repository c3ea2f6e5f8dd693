// Single keys: "g" then a page's letter, "/" for the table's search, "?" for the list. Never while typing; can be off.
const KEY = "bursar.single-keys";
const allowed = document.getElementById("single-keys");
let afterG = -Infinity;

if (allowed) {
  allowed.checked = localStorage.getItem(KEY) !== "off";
  allowed.addEventListener("change", () => localStorage.setItem(KEY, allowed.checked ? "on" : "off"));
}

function typing(target) {
  return target.closest?.('input, textarea, select, [contenteditable], [role="grid"], [role="treegrid"], dialog');
}

document.addEventListener("keydown", (event) => {
  if (!allowed?.checked || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (performance.now() - afterG < 1500) {
    afterG = -Infinity;
    document.querySelector(`.nav [data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    afterG = performance.now();
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "?") {
    document.getElementById("shortcuts").showModal();
  }
});
