// Cells edited in place. Enter takes what was typed and goes down, Tab goes right, Esc gives up, Delete empties, Space
// switches. Nothing is saved by that: see unsaved.js and effect.js.
import { go, move, near, selection } from "./grid.js";
import { toast } from "./toasts.js";
import { back, draw, flip, matrix, step, textOf, type } from "./unsaved.js";

const phone = matchMedia("(max-width: 599px)");
const finished = new WeakSet();
export const editable = (cell) => cell?.dataset.editable !== undefined && !phone.matches;

export function say(text) {
  document.getElementById("said").textContent = text;
}

export function edit(cell, typed) {
  if (cell.querySelector(".cell-input")) return;
  if (!editable(cell)) return refuse(cell);
  const input = document.createElement("input");
  Object.assign(input, { className: "cell-input", value: typed ?? textOf(cell), autocomplete: "off", inputMode: "decimal", maxLength: 60 });
  input.setAttribute("aria-label", cell.dataset.label);
  if (cell.ariaInvalid) input.setAttribute("aria-describedby", `${cell.id}-error`);
  const value = cell.querySelector(".cell-value");
  value.dataset.before = value.innerHTML;
  value.replaceChildren(input);
  cell.classList.add("cell-editing");
  input.focus();
  if (typed === undefined) input.select();
  input.addEventListener("blur", () => input.isConnected && !finished.has(input) && take(cell, input.value));
}

/** Says why nothing can be typed here. */
function refuse(cell) {
  if (!cell.title || phone.matches) return;
  say(cell.title);
  toast(cell.title);
}

function close(cell) {
  const value = cell.querySelector(".cell-value");
  value.innerHTML = value.dataset.before;
  cell.classList.remove("cell-editing");
}

function take(cell, text) {
  close(cell);
  step(() => type(cell, text.trim()));
}

function inInput(event, grid, cell, input) {
  const done = { Enter: [event.shiftKey ? -1 : 1, 0], Tab: [0, event.shiftKey ? -1 : 1] }[event.key];
  if (!done && event.key !== "Escape") return;
  event.preventDefault();
  const text = input.value;
  finished.add(input); // taking it out of the page also blurs it
  if (done) take(cell, text);
  else {
    close(cell);
    draw();
  }
  go(grid, done ? near(grid, cell, ...done) : cell);
}

/** Every cell of the selection that may be edited, in one step; says which were left out. */
export function each(grid, work) {
  const cells = selection(grid).flat();
  const open = cells.filter(editable);
  step(() => open.forEach(work));
  if (!open.length) refuse(cells[0]);
  else if (open.length < cells.length) say(`${cells.length - open.length} cells may not be changed and stay as they are.`);
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".cell");
  const grid = cell?.closest('[role="grid"]');
  if (!grid) return;
  if (event.target.matches(".cell-input")) return inInput(event, grid, cell, event.target);
  if (event.target !== cell || move(event, grid, cell)) return;
  const own = grid === matrix();
  const command = (event.ctrlKey || event.metaKey) && !event.altKey;
  if (own && command && event.key === "z") {
    if (!back()) say("There is nothing to take back.");
  } else if (command || event.altKey) return;
  else if (event.key === "Enter" || event.key === "F2") edit(cell);
  else if (event.key === "Delete" && own) each(grid, (one) => type(one, ""));
  else if (event.key === " " && own) each(grid, flip);
  else if (event.key === "Escape") go(grid, cell);
  else if (event.key.length === 1 && event.key !== " ") edit(cell, event.key);
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const cell = event.target.closest?.('[role="grid"] .cell');
  if (!cell || event.target.matches(".cell-input")) return;
  const grid = cell.closest('[role="grid"]');
  go(grid, cell, event.shiftKey && Boolean(grid.ariaMultiSelectable));
  if (!event.shiftKey && editable(cell)) edit(cell);
});
