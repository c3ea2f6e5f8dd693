// The keys of a grid of cells: one tab stop, arrows move, with Ctrl to the edge. Says what lies under and beside a cell.
const rowsOf = (grid) => [...grid.querySelectorAll("tbody > tr")].filter((row) => !row.hidden && row.querySelector(".cell"));
const cellsOf = (row) => [...row.querySelectorAll(".cell")];

export function go(grid, cell) {
  if (!cell) return;
  for (const other of grid.querySelectorAll('.cell[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

/** The cell `down` rows and `right` columns away; past the edge: the last there is. */
export function near(grid, cell, down, right) {
  const rows = rowsOf(grid);
  const row = cell.closest("tr");
  const clamp = (value, length) => Math.max(0, Math.min(length - 1, value));
  const cells = cellsOf(rows[clamp(rows.indexOf(row) + down, rows.length)]);
  return cells[clamp(cellsOf(row).indexOf(cell) + right, cells.length)];
}

const WAYS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [0, -9999], End: [0, 9999] };

export function move(event, grid, cell) {
  const way = WAYS[event.key];
  if (!way || event.altKey || event.metaKey) return false;
  const far = event.ctrlKey ? 9999 : 1;
  go(grid, near(grid, cell, way[0] * far, way[1] * far));
  event.preventDefault();
  return true;
}

function ready() {
  for (const grid of document.querySelectorAll('[role="grid"]')) {
    if (grid.querySelector('.cell[tabindex="0"]')) continue;
    const first = grid.querySelector(".cell");
    if (first) first.tabIndex = 0;
  }
}
ready();
document.addEventListener("renewed", ready);
