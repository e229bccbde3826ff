// What the pages can do beyond plain HTML. Every one of them also works without this.
import "./copy.js";
import "./dialog.js";
import "./once.js";
import "./poll.js";
import "./focus.js";
import "./print.js";
import "./zone.js";
