// The bytes of the artifact as areas: by distribution, then by folder and file. A click or Enter opens a group.
const USES = {
  import: "needed at import",
  python: "Python, not touched by the import",
  native: "native, not touched by the import",
  data: "data",
};

function sizeTree(files) {
  const root = { name: "artifact", bytes: 0, files: 0, children: new Map(), uses: {} };
  for (const file of files) {
    const steps = [file.distribution || "your code and the rest", ...file.path.split("/").filter(Boolean).slice(2)];
    let node = root;
    for (const [index, step] of steps.entries()) {
      count(node, file);
      if (!node.children.has(step)) {
        const leaf = index === steps.length - 1;
        node.children.set(step, { name: step, bytes: 0, files: 0, children: new Map(), uses: {}, parent: node, path: leaf ? file.path : null });
      }
      node = node.children.get(step);
    }
    count(node, file);
  }
  return root;
}

function count(node, file) {
  node.bytes += file.bytes;
  node.files += 1;
  node.uses[file.use] = (node.uses[file.use] || 0) + file.bytes;
}

const mainUse = (node) => Object.entries(node.uses).sort((a, b) => b[1] - a[1])[0][0];

// Squarified treemaps: rows are filled as long as that makes their rectangles more like squares (Bruls, Huizing, van Wijk).
function squarify(items, x, y, width, height) {
  const total = items.reduce((sum, item) => sum + item.bytes, 0);
  const placed = [];
  if (total <= 0 || width <= 0 || height <= 0) return placed;
  const scale = (width * height) / total;
  let rest = items.map((item) => ({ item, area: item.bytes * scale }));
  while (rest.length) {
    const side = Math.min(width, height);
    let row = [];
    let sum = 0;
    let worst = Infinity;
    for (const entry of rest) {
      const next = sum + entry.area;
      const large = Math.max(entry.area, ...row.map((other) => other.area));
      const small = Math.min(entry.area, ...row.map((other) => other.area));
      const ratio = Math.max((side * side * large) / (next * next), (next * next) / (side * side * small));
      if (row.length && ratio > worst) break;
      row.push(entry);
      sum = next;
      worst = ratio;
    }
    const thick = sum / side;
    let along = 0;
    for (const entry of row) {
      const length = entry.area / thick;
      placed.push(width >= height
        ? { item: entry.item, x, y: y + along, width: thick, height: length }
        : { item: entry.item, x: x + along, y, width: length, height: thick });
      along += length;
    }
    if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    rest = rest.slice(row.length);
  }
  return placed;
}

// The files of a node, the largest first; those too small to be seen are drawn together, by what they are for.
function leaves(node, smallest) {
  const found = [];
  const rest = new Map();
  const walk = (step) => {
    for (const child of step.children.values()) {
      if (child.children.size) {
        walk(child);
      } else if (child.bytes >= smallest) {
        found.push(child);
      } else {
        const use = mainUse(child);
        if (!rest.has(use)) rest.set(use, { name: `small files: ${USES[use]}`, bytes: 0, files: 0, children: new Map(), uses: {} });
        const group = rest.get(use);
        group.bytes += child.bytes;
        group.files += child.files;
        group.uses[use] = group.bytes;
      }
    }
  };
  walk(node);
  return [...found, ...rest.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

function treemapPart(report) {
  const width = 1140;
  const height = 520;
  const root = sizeTree(report.details.files.filter((file) => file.bytes > 0));
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, id: "treemap", role: "group", "aria-label": "Sizes" });
  const trail = make("div", { class: "bar", id: "treemap-trail" });
  const hint = make("p", { class: "hint", "aria-live": "polite" });
  const settle = roving(svg);
  let current = root;

  const share = (node) => `${bytesText(node.bytes)}, ${(100 * node.bytes / root.bytes).toFixed(1)} %`;
  const describe = (node) => {
    const uses = Object.entries(node.uses).sort((a, b) => b[1] - a[1]).map(([use, bytes]) => `${USES[use]} ${bytesText(bytes)}`);
    return `${node.path || node.name}: ${share(node)} in ${counted(node.files, "file")} (${uses.join(", ")})`;
  };
  const sorted = (node) => [...node.children.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));

  function open(node, focus) {
    while (node.children.size === 1 && [...node.children.values()][0].children.size) node = [...node.children.values()][0];
    current = node;
    const way = [];
    for (let step = node; step; step = step.parent) way.unshift(step);
    trail.replaceChildren(...way.flatMap((step, index) => [
      index ? "›" : null,
      step === node ? make("b", {}, step.name) : make("button", { type: "button", onclick: () => open(step, true) }, step.name),
    ]).filter(Boolean), make("span", { class: "soft" }, share(node)));
    svg.replaceChildren(...squarify(sorted(node), 0, 0, width, height).map(tile));
    settle();
    hint.textContent = node.parent ? "Arrow keys move, Escape goes back." : "Click a tile, or press Enter on it, to open it; arrow keys move.";
    if (focus) (svg.querySelector("[tabindex]") || svg).focus();
  }

  function tile({ item, x, y, width: w, height: h }) {
    const said = describe(item);
    const inner = item.children.size > 0;
    const hold = { onmouseenter: () => { hint.textContent = said; }, onfocus: () => { hint.textContent = said; } };
    if (!inner || w < 36 || h < 36) {
      return draw("g", { class: "tile", ...(inner ? pressable(said, () => open(item, true)) : { role: "img", tabindex: "-1", "aria-label": said }), ...hold },
        draw("rect", { x, y, width: w, height: h, class: `use-${mainUse(item)}` }, draw("title", {}, said)),
        h > 16 ? label(item.name, x, y + 14, w, { class: "onfill" }) : null);
    }
    const seen = squarify(leaves(item, (item.bytes * 8) / (w * h)), x + 2, y + 18, w - 4, h - 20);
    return draw("g", { class: "group", ...pressable(said, () => open(item, true)), ...hold },
      draw("rect", { x, y, width: w, height: h, class: "frame" }, draw("title", {}, said)),
      seen.map((place) => draw("rect", {
        x: place.x, y: place.y, width: place.width, height: place.height, class: `tile use-${mainUse(place.item)}`,
      }, draw("title", {}, describe(place.item)))),
      label(`${item.name} ${bytesText(item.bytes)}`, x, y + 13, w));
  }

  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && current.parent) {
      event.preventDefault();
      let up = current.parent;
      while (up.parent && up.children.size === 1) up = up.parent;
      open(up, true);
    }
  });
  open(root, false);
  return part("sizes", "Sizes",
    make("ul", { class: "legend" }, Object.entries(USES).map(([use, said]) =>
      make("li", {}, make("i", { class: `use-${use}` }), `${said}: ${bytesText(root.uses[use] || 0)}`))),
    trail, svg, hint);
}
