// Elements from values. Text is always text: no name ever becomes markup.
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

// A colour of the style, as it is in this theme.
export function tone(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// CSS pixels that a sheet has beside its margins, on A4 and on letter, in every browser.
const SHEET = 680;
let onSheet = false;

// Whether what is drawn next is for a sheet of paper: when a browser says that it prints, the page still has its window's width.
export function paper(is) {
  onSheet = is;
}

export const isOnPaper = () => onSheet;

// How wide a drawing there is, of its part of a sheet or of the window.
export function widthOf(place, least, part = 1) {
  return onSheet ? Math.floor(SHEET * part) : Math.max(least, place.clientWidth);
}

let drawings = [];

// Draw now, and again when the theme or the width is another one.
export function redrawn(draw) {
  drawings.push(draw);
  draw();
}

export function redraw() {
  for (const draw of drawings) draw();
}

// A choice of one of several, as radio buttons that look like a bar.
export function choice(name, label, options, chosen, changed) {
  const group = el("fieldset", { class: "choice" }, el("legend", {}, label));
  for (const [value, text] of options) {
    const input = el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => changed(value) });
    group.append(el("label", {}, input, el("span", {}, text)));
  }
  return group;
}

export function selectOf(label, options, changed) {
  const list = el("select", { onchange: () => changed(list.value) },
    ...options.map(([value, text]) => el("option", { value }, text)));
  return el("label", { class: "field" }, el("span", {}, label), list);
}

export function check(label, changed) {
  const box = el("input", { type: "checkbox", onchange: () => changed(box.checked) });
  return el("label", { class: "field" }, box, el("span", {}, label));
}

export function searchField(label, changed) {
  let waiting;
  const input = el("input", {
    type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false",
    oninput: () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => changed(input.value), 120);
    },
  });
  return input;
}
