// Owns how elements are made: a tag, its properties, its children. Text is always text, never markup.

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element. `on…` properties listen, `class` and the rest are attributes; false, null and undefined are left out. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Makes an element of SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === false || value == null) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === 'value' || name === 'checked' || name === 'selected') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...flat(children));
  return element;
}

/** Puts `children` in the place of what an element holds. */
export function put(element, ...children) {
  element.replaceChildren(...flat(children));
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== false && child != null);
}

let count = 0;
/** An id that no other element has. */
export function newId() {
  return `e${++count}`;
}

/** Text for screen readers alone. */
export function unseen(text) {
  return h('span', { class: 'unseen' }, text);
}
