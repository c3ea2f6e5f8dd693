// Cells edited in place. Enter saves and goes down, Tab saves and goes right, Esc gives up, Delete empties, Space switches.
import { close, send } from "./cells.js";
import { go, move, near } from "./grid.js";

const phone = matchMedia("(max-width: 599px)");
const finished = new WeakSet();
const editable = (cell) => cell?.dataset.url && !phone.matches;

function edit(cell, typed) {
  if (!editable(cell) || cell.querySelector(".cell-input")) return;
  const input = document.createElement("input");
  Object.assign(input, { className: "cell-input", value: typed ?? cell.dataset.value, autocomplete: "off", inputMode: "decimal" });
  input.setAttribute("aria-label", cell.dataset.label);
  if (cell.ariaInvalid) input.setAttribute("aria-describedby", `${cell.id}-error`);
  cell.querySelector(".cell-value").replaceChildren(input);
  cell.classList.add("cell-editing");
  input.focus();
  if (typed === undefined) input.select();
  input.addEventListener("blur", () => input.isConnected && !finished.has(input) && save(cell, input.value));
}

/** Back to what is saved: after a refusal the cell holds what was typed, so the page is asked again. */
function giveUp(cell) {
  close(cell, cell.dataset.value);
  if (!cell.ariaInvalid) return;
  cell.ariaInvalid = null;
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "refresh");
}

async function save(cell, value) {
  close(cell, value);
  if (value.trim() === cell.dataset.value && !cell.ariaInvalid) return;
  await send(cell, { value });
}

function inInput(event, grid, cell, input) {
  const done = { Enter: [event.shiftKey ? -1 : 1, 0], Tab: [0, event.shiftKey ? -1 : 1] }[event.key];
  if (!done && event.key !== "Escape") return;
  event.preventDefault();
  const value = input.value;
  finished.add(input); // taking it out of the page also blurs it
  if (done) save(cell, value);
  else giveUp(cell);
  go(grid, done ? near(grid, cell, ...done) : cell);
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".cell");
  const grid = cell?.closest('[role="grid"]');
  if (!grid) return;
  if (event.target.matches(".cell-input")) return inInput(event, grid, cell, event.target);
  if (event.target !== cell || move(event, grid, cell) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" || event.key === "F2") edit(cell);
  else if (/^[\d.,]$/.test(event.key)) edit(cell, event.key);
  else if (event.key === "Delete" && editable(cell)) save(cell, "");
  else if (event.key === " " && editable(cell) && cell.querySelector(".cell-switch")) send(cell, { switch: 1 });
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const cell = event.target.closest?.('[role="grid"] .cell');
  if (!cell || event.target.matches(".cell-input")) return;
  go(cell.closest('[role="grid"]'), cell);
  if (event.target.closest(".cell-switch") && editable(cell)) send(cell, { switch: 1 });
  else edit(cell);
});
