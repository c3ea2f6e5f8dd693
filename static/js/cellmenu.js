// The menu of a cell: Shift F10, the menu key or the right button opens it.
import { fill } from "./clipboard.js";
import { showHistory, split } from "./effect.js";
import { go } from "./grid.js";
import { each, edit, editable } from "./matrix.js";
import { find, flip, matrix, step, takeBack, type } from "./unsaved.js";

const menu = () => document.getElementById("cell-menu");
const items = () => [...menu().querySelectorAll('[role="menuitem"]')].filter((item) => !item.hidden);
let cell = null;

const DEEDS = {
  edit: (grid) => edit(cell),
  switch: (grid) => each(grid, flip),
  clear: (grid) => each(grid, (one) => type(one, "")),
  split: () => split(cell),
  down: (grid) => fill(grid, true),
  right: (grid) => fill(grid, false),
  back: (grid) => step(() => takeBack(cell)),
  history: () => showHistory(cell),
};

function offered(name) {
  const grid = matrix();
  if (name === "history") return true;
  if (name === "split") return Boolean(grid) && grid.dataset.show === "quota" && cell.matches(".cell-strong");
  if (!grid || !editable(cell)) return false;
  if (name === "switch") return Boolean(cell.dataset.rank || cell.dataset.over);
  if (name === "back") return Boolean(find(cell) || find(cell, "over") || find(cell, "rank"));
  return true;
}

function open(target, x, y) {
  cell = target;
  go(cell.closest('[role="grid"]'), cell, cell.ariaSelected === "true");
  for (const item of menu().querySelectorAll("[data-do]")) item.hidden = !offered(item.dataset.do);
  menu().querySelector("[data-switch]").textContent = cell.dataset.rank ? "Give it the next rank" : "Switch over quota";
  menu().showPopover();
  const box = menu().getBoundingClientRect();
  menu().style.left = `${Math.max(4, Math.min(x, innerWidth - box.width - 4))}px`;
  menu().style.top = `${Math.max(4, Math.min(y, innerHeight - box.height - 4))}px`;
  items()[0]?.focus();
}

const target = (event) => (menu() ? event.target.closest?.('[role="grid"] .cell') : null);

document.addEventListener("contextmenu", (event) => {
  const found = target(event);
  if (!found || event.target.matches(".cell-input")) return;
  event.preventDefault();
  const box = found.getBoundingClientRect();
  open(found, event.clientX || box.left, event.clientY || box.bottom);
});

document.addEventListener("keydown", (event) => {
  const found = target(event);
  if (found === event.target && found && ((event.shiftKey && event.key === "F10") || event.key === "ContextMenu")) {
    event.preventDefault();
    const box = found.getBoundingClientRect();
    return open(found, box.left + 8, box.bottom);
  }
  if (!menu()?.matches(":popover-open") || !menu().contains(event.target)) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Tab") menu().hidePopover();
  else if (step) items().at((items().indexOf(document.activeElement) + step) % items().length).focus();
  else if (event.key === "Home") items()[0].focus();
  else if (event.key === "End") items().at(-1).focus();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const item = event.target.closest?.("#cell-menu [data-do]");
  if (!item) return;
  const grid = cell.closest('[role="grid"]');
  menu().hidePopover();
  cell.focus();
  DEEDS[item.dataset.do](grid);
});

document.addEventListener("toggle", (event) => {
  if (event.target === menu() && event.newState === "closed" && menu().contains(document.activeElement)) cell?.focus();
}, true);
