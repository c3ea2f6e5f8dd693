// On narrow screens the panel of a selected thing is a drawer over the page: Esc closes it, focus begins in it.
const narrow = matchMedia("(max-width: 1199px)");
const drawer = () => (narrow.matches ? document.querySelector(".panel[data-drawer]") : null);

function enter() {
  const panel = drawer();
  if (panel) panel.querySelector(".panel-close")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const panel = drawer();
  if (event.key !== "Escape" || !panel || document.querySelector("dialog[open], :popover-open")) return;
  if (event.target.matches("input, textarea, select")) return;
  panel.querySelector(".panel-close")?.click();
});

let shown = Boolean(drawer());
enter();
document.addEventListener("renewed", () => {
  if (drawer() && !shown) enter();
  shown = Boolean(drawer());
});
