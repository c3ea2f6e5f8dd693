// A block of cells out of the matrix and into it, as spreadsheets take and give it: lines of cells with tabs between.
import { cellsOf, go, placeOf, rowsOf, selection } from "./grid.js";
import { each, editable, say } from "./matrix.js";
import { toast } from "./toasts.js";
import { matrix, step, textOf, type } from "./unsaved.js";

const MOST_CELLS = 2000;
const LONGEST_CELL = 60;

/** The matrix, where the focus is on one of its cells and nothing is being typed. */
function at(event) {
  const grid = matrix();
  const cell = document.activeElement?.closest?.(".cell");
  return cell && grid?.contains(cell) && !event.target.matches?.("input, textarea") ? grid : null;
}

document.addEventListener("copy", (event) => {
  const grid = at(event);
  if (!grid) return;
  const block = selection(grid);
  event.clipboardData.setData("text/plain", block.map((row) => row.map(textOf).join("\t")).join("\n"));
  event.preventDefault();
  say(`${block.flat().length} copied`);
});

/** Lines of cells; a last line break ends the block. */
function blockOf(text) {
  return text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n").map((line) => line.split("\t").map((one) => one.trim()));
}

document.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain");
  // A block pasted where one cell is being typed into is meant for the cells from there on.
  const typing = matrix()?.contains(event.target) && event.target.closest(".cell-input") && /[\t\n]./.test(text);
  const grid = typing ? matrix() : at(event);
  if (!grid) return;
  event.preventDefault();
  if (typing) go(grid, event.target.closest(".cell"));
  const block = blockOf(text);
  const cells = block.reduce((sum, row) => sum + row.length, 0);
  if (cells > MOST_CELLS) return toast(`${cells.toLocaleString("en")} cells are too many. Paste at most ${MOST_CELLS.toLocaleString("en")} at once.`);
  if (block.flat().some((text) => text.length > LONGEST_CELL)) return toast("That is text, not amounts. Copy cells of a table.");
  paste(grid, block);
});

function paste(grid, block) {
  const chosen = selection(grid);
  if (block.length === 1 && block[0].length === 1) return each(grid, (cell) => type(cell, block[0][0]));
  const [top, left] = placeOf(grid, chosen[0][0]);
  const rows = rowsOf(grid).slice(top, top + block.length).map((row) => cellsOf(row).slice(left));
  const left_out = { locked: 0, outside: 0 };
  step(() => {
    for (const [down, line] of block.entries()) {
      for (const [right, text] of line.entries()) {
        const cell = rows[down]?.[right];
        if (!cell) left_out.outside += 1;
        else if (editable(cell)) type(cell, text);
        else if (text !== cell.dataset.value) left_out.locked += 1;
      }
    }
  });
  go(grid, chosen[0][0]);
  const last = rows.at(-1)?.[Math.min(Math.max(...block.map((row) => row.length)), rows.at(-1).length) - 1];
  go(grid, last ?? chosen[0][0], true);
  const words = [];
  if (left_out.locked) words.push(`${left_out.locked} may not be changed and stay as they are`);
  if (left_out.outside) words.push(`${left_out.outside} lie outside the matrix`);
  if (words.length) toast(`Of ${block.flat().length} cells, ${words.join("; ")}.`);
  say(words.length ? words.join("; ") : `${block.flat().length} pasted`);
}

/** The first row (or column) of the selection into the others; a single row takes what is above it. */
export function fill(grid, down) {
  const chosen = selection(grid);
  const [top, left] = placeOf(grid, chosen[0][0]);
  const single = down ? chosen.length === 1 : chosen[0].length === 1;
  const from = (cell) => {
    const [row, column] = placeOf(grid, cell);
    const place = down ? [single ? row - 1 : top, column] : [row, single ? column - 1 : left];
    return cellsOf(rowsOf(grid)[place[0]] ?? document.body)[place[1]];
  };
  if (single && (down ? top : left) === 0) return say("There is nothing to fill from.");
  const texts = new Map(chosen.flat().map((cell) => [cell, textOf(from(cell))]));
  each(grid, (cell) => type(cell, texts.get(cell)));
}

document.addEventListener("keydown", (event) => {
  const grid = at(event);
  const key = event.key.toLowerCase();
  if (!grid || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || (key !== "d" && key !== "r")) return;
  if (key === "r" && selection(grid)[0].length === 1) return; // loads the page again, as everywhere
  event.preventDefault();
  fill(grid, key === "d");
});
