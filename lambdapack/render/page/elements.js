// Making elements, and numbers as people read them.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function bytesText(size) {
  if (size < 1024) return `${size} B`;
  if (size < 1048576) return `${(size / 1024).toFixed(1)} KB`;
  return `${(size / 1048576).toFixed(1)} MB`;
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const milliseconds = (seconds) => `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;

// What a click does, Enter and the space bar do, too.
const pressable = (label, press) => ({
  role: "button",
  tabindex: "0",
  "aria-label": label,
  onclick: (event) => { event.stopPropagation(); press(); },
  onkeydown: (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    press();
  },
});

// One of the shapes in a drawing is a stop for Tab; the arrow keys go to its neighbours, Home and End to the first and
// the last. Hundreds of stops would keep who has no mouse from everything below the drawing.
function roving(svg) {
  const stops = () => [...svg.querySelectorAll("[tabindex]")];
  const choose = (stop) => {
    for (const other of stops()) other.setAttribute("tabindex", other === stop ? "0" : "-1");
  };
  svg.addEventListener("focusin", (event) => { if (event.target.matches("[tabindex]")) choose(event.target); });
  svg.addEventListener("keydown", (event) => {
    const shapes = stops();
    const from = document.activeElement;
    const to = event.key === "Home" ? shapes[0] : event.key === "End" ? shapes[shapes.length - 1] : neighbour(shapes, from, event.key);
    if (!to || !shapes.includes(from)) return;
    event.preventDefault();
    to.focus();
  });
  return () => choose(stops()[0]);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The nearest shape whose middle lies in the direction of the arrow; sideways counts twice.
function neighbour(shapes, from, key) {
  if (!ARROWS[key] || !shapes.includes(from)) return null;
  const [right, down] = ARROWS[key];
  const middle = (shape) => {
    const box = shape.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle(from);
  let best = null;
  for (const shape of shapes) {
    if (shape === from) continue;
    const [dx, dy] = middle(shape).map((value, index) => value - [x, y][index]);
    const ahead = dx * right + dy * down;
    const aside = Math.abs(right ? dy : dx);
    if (ahead > 0.5 && (!best || ahead + 2 * aside < best.far)) best = { shape, far: ahead + 2 * aside };
  }
  return best && best.shape;
}

// A label that is cut where its rectangle ends: seven units are about one character of the font.
function label(text, x, y, width, attributes = {}) {
  const room = Math.floor((width - 8) / 6.6);
  if (room < 3) return null;
  return draw("text", { x: x + 4, y, ...attributes }, text.length > room ? `${text.slice(0, room - 1)}…` : text);
}

function part(id, title, ...children) {
  return make("section", { id, "aria-labelledby": `${id}-title` }, make("h2", { id: `${id}-title` }, title), ...children);
}
