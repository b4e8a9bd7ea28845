// The findings: one entry for each cause, with its places, the way to it, the fix and the page of the check.
function causesOf(findings) {
  const causes = new Map();
  for (const finding of findings) {
    const key = JSON.stringify([finding.code, finding.message, finding.fix]);
    if (!causes.has(key)) causes.set(key, { ...finding, places: [] });
    if (finding.path) causes.get(key).places.push(finding.path);
  }
  return [...causes.values()];
}

function copyButton(text) {
  const button = make("button", { type: "button", onclick: copy }, "Copy");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Files opened from the disk may have no clipboard: the old way works there.
      const area = make("textarea", {}, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  return button;
}

function findingEntry(cause, pages) {
  const page = pages[cause.code];
  const traceback = cause.evidence && cause.evidence.traceback;
  return make("details", { class: `finding ${cause.severity}`, open: cause.severity === "error" },
    make("summary", {},
      make("span", { class: "word" }, `${cause.severity} ${cause.code}`), " ", cause.name, ": ", cause.message,
      cause.places.length > 1 ? make("span", { class: "soft" }, ` (${cause.places.length} places)`) : null),
    make("div", { class: "inside" },
      cause.places.length ? make("p", {}, ...cause.places.map((place) => [make("code", {}, place), make("br")])) : null,
      cause.chain.length > 1
        ? [make("b", {}, "Reached"), make("ol", { class: "chain" }, cause.chain.map((step) => make("li", {}, make("code", {}, step))))]
        : null,
      traceback ? make("pre", {}, traceback) : null,
      make("b", {}, "Fix"), make("div", { class: "fix" }, make("code", {}, cause.fix), copyButton(cause.fix)),
      page ? make("details", {}, make("summary", {}, `About ${cause.code}`), make("div", { class: "page" }, page)) : null));
}

function findingsPart(report, pages) {
  const causes = causesOf(report.findings);
  const list = make("div", { id: "finding-list", "aria-live": "polite" });
  const chosen = new Set(["error", "warning"]);
  if (!causes.some((cause) => chosen.has(cause.severity))) chosen.add("info");
  const search = make("input", { type: "search", placeholder: "Filter by text, code or path", "aria-label": "Filter the findings", oninput: show });
  const buttons = ["error", "warning", "info"].map((severity) => {
    const number = causes.filter((cause) => cause.severity === severity).length;
    const button = make("button", { type: "button", "aria-pressed": String(chosen.has(severity)), onclick: toggle, "data-severity": severity },
      counted(number, severity === "info" ? "remark" : severity));
    function toggle() {
      if (!chosen.delete(severity)) chosen.add(severity);
      button.setAttribute("aria-pressed", String(chosen.has(severity)));
      show();
    }
    return button;
  });
  function show() {
    const wanted = search.value.toLowerCase();
    const shown = causes.filter((cause) => chosen.has(cause.severity)
      && JSON.stringify([cause.code, cause.name, cause.message, cause.fix, cause.places, cause.chain]).toLowerCase().includes(wanted));
    list.replaceChildren(...shown.map((cause) => findingEntry(cause, pages)));
    if (!shown.length) {
      list.append(make("p", { class: "empty" }, causes.length ? "None of the findings is shown with this filter." : "Nothing was found."));
    }
  }
  show();
  return part("findings", "Findings", make("div", { class: "bar" }, ...buttons, search), list, remarks(report));
}

function remarks(report) {
  const reasons = new Map();
  for (const skipped of report.skipped) {
    if (!reasons.has(skipped.reason)) reasons.set(skipped.reason, []);
    reasons.get(skipped.reason).push(skipped.path || skipped.code);
  }
  const lines = [
    ...report.notes.map((note) => `note: ${note}`),
    ...[...reasons].map(([reason, what]) => `skipped ${what.filter(Boolean).join(", ") || "in part"}: ${reason}`),
    ...report.assumed.map((text) => `assumed ${text}`),
    ...report.suppressed.map((item) => `not counted: ${item.code} ${item.path || ""} (${item.reason})`),
  ];
  if (!lines.length) return null;
  return make("details", {}, make("summary", {}, counted(lines.length, "remark"), " about this report"),
    make("ul", {}, lines.map((line) => make("li", {}, line))));
}
