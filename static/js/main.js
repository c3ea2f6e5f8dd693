// What every page loads. Each module listens on the document, so that parts put in later work without being set up.
import "./adder.js";
import "./cellmenu.js";
import "./clipboard.js";
import "./copy.js";
import "./dialogs.js";
import "./effect.js";
import "./fields.js";
import "./live.js";
import "./matrix.js";
import "./menus.js";
import "./panel.js";
import "./scope.js";
import "./shortcuts.js";
import "./sortable.js";
import "./theme.js";
import "./toasts.js";
import "./treegrid.js";
