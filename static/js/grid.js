// The keys of a grid of cells: one tab stop, arrows move, with Ctrl to the edge, with Shift they select a block.
export const rowsOf = (grid) => [...grid.querySelectorAll("tbody > tr")].filter((row) => !row.hidden && row.querySelector(".cell"));
export const cellsOf = (row) => [...row.querySelectorAll(".cell")];
const clamp = (value, length) => Math.max(0, Math.min(length - 1, value));
let anchor = "";

/** Row and column of a cell, from 0. */
export function placeOf(grid, cell) {
  const row = cell.closest("tr");
  return [rowsOf(grid).indexOf(row), cellsOf(row).indexOf(cell)];
}

/** Focus goes to the cell; with `extend` the block from where the selection began up to it is selected. */
export function go(grid, cell, extend = false) {
  if (!cell) return;
  if (!extend) anchor = cell.id;
  for (const other of grid.querySelectorAll('.cell[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
  select(grid);
}

document.addEventListener("focusin", (event) => {
  const grid = event.target.matches('.cell:not([tabindex="0"])') && event.target.closest('[role="grid"]');
  if (grid) go(grid, event.target);
});

const focused = (grid) => grid.querySelector('.cell[tabindex="0"]');

/** The block of cells between the anchor and the focused cell, row by row; the focused cell alone where nothing else is selected. */
export function selection(grid) {
  const cell = focused(grid);
  if (!cell) return [];
  const start = grid.querySelector(`#${CSS.escape(anchor || "none")}`) ?? cell;
  const [[top, left], [bottom, right]] = [placeOf(grid, start), placeOf(grid, cell)];
  return rowsOf(grid)
    .slice(Math.min(top, bottom), Math.max(top, bottom) + 1)
    .map((row) => cellsOf(row).slice(Math.min(left, right), Math.max(left, right) + 1));
}

function select(grid) {
  if (!grid.ariaMultiSelectable) return;
  for (const cell of grid.querySelectorAll('[aria-selected="true"]')) cell.ariaSelected = null;
  const block = selection(grid).flat();
  if (block.length > 1) for (const cell of block) cell.ariaSelected = "true";
}

/** The cell `down` rows and `right` columns away; past the edge: the last there is. */
export function near(grid, cell, down, right) {
  const rows = rowsOf(grid);
  const [row, column] = placeOf(grid, cell);
  const cells = cellsOf(rows[clamp(row + down, rows.length)]);
  return cells[clamp(column + right, cells.length)];
}

const WAYS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [0, -9999], End: [0, 9999] };

export function move(event, grid, cell) {
  const way = WAYS[event.key];
  if (!way || event.altKey || event.metaKey) return false;
  const far = event.ctrlKey ? 9999 : 1;
  go(grid, near(grid, cell, way[0] * far, way[1] * far), event.shiftKey && Boolean(grid.ariaMultiSelectable));
  event.preventDefault();
  return true;
}

function ready() {
  for (const grid of document.querySelectorAll('[role="grid"]')) {
    const first = grid.querySelector(".cell");
    if (first && !focused(grid)) {
      first.tabIndex = 0;
      anchor = first.id;
    }
    select(grid);
  }
}
ready();
document.addEventListener("renewed", ready);
