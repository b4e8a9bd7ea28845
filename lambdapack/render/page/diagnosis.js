// A diagnosis: each error with its cause, what proves it, the fix, and what was ruled out.
function problemEntry(problem) {
  const { message, causes } = problem;
  const cause = causes.find((item) => item.status !== "ruled-out");
  const others = causes.filter((item) => item !== cause && item.status !== "ruled-out");
  const ruledOut = causes.filter((item) => item.status === "ruled-out");
  return make("article", { class: "finding error", "aria-label": problem.pattern },
    make("h3", {}, make("span", { class: "word" }, problem.pattern), " ", make("span", { class: "soft" }, saidWhen(message))),
    make("div", { class: "inside" },
      make("pre", {}, message.text),
      make("p", {}, make("b", {}, cause ? `Cause (${problem.confidence}): ` : "No cause: "),
        cause ? cause.sentence : "this artifact has none of what is known to cause it. Was another one deployed?"),
      cause && cause.evidence.length
        ? [make("b", {}, "Evidence"), make("ol", {}, cause.evidence.map((item) =>
          make("li", {}, item.code ? make("b", {}, `${item.code} `) : null, item.text, item.path && !item.text.includes(item.path) ? [" ", make("code", {}, item.path)] : null)))]
        : null,
      problem.misleading ? make("p", { class: "soft" }, `Mind: ${problem.misleading}`) : null,
      cause && cause.fixes.length
        ? [make("b", {}, "Fix"), cause.fixes.map((fix) => make("div", { class: "fix" }, make("code", {}, fix), copyButton(fix)))]
        : null,
      cause && cause.status === "open" && cause.looks.length
        ? [make("b", {}, "How to see whether this is it"), make("ul", {}, cause.looks.map((text) => make("li", {}, text)))]
        : null,
      causeList("Or", others), causeList("Ruled out by the artifact", ruledOut)));
}

function causeList(title, causes) {
  if (!causes.length) return null;
  return make("details", {}, make("summary", {}, `${title}: ${causes.map((cause) => cause.name).join(", ")}`),
    make("ul", {}, causes.map((cause) => make("li", {}, cause.sentence,
      cause.evidence.length ? make("ul", {}, cause.evidence.map((item) => make("li", { class: "soft" }, item.text))) : null))));
}

function saidWhen(message) {
  const times = message.count > 1 ? counted(message.count, "time") : "";
  const span = message.first && message.last && message.first !== message.last ? `${message.first} to ${message.last}` : message.first;
  return [times, span].filter(Boolean).join(", ");
}

function unknownEntry(unknown) {
  return make("article", { class: "finding warning", "aria-label": "unknown message" },
    make("h3", {}, make("span", { class: "word" }, "No pattern knows this message"), " ", make("span", { class: "soft" }, saidWhen(unknown.message))),
    make("div", { class: "inside" }, make("pre", {}, unknown.message.text),
      unknown.nearest.length ? [make("b", {}, "Nearest"), make("ul", {}, unknown.nearest.map((near) => make("li", {}, `${near.pattern}: ${near.title}`)))] : null));
}

function showDiagnosis(diagnosis, pages, tool) {
  const fact = (name, value) => (value ? make("li", {}, make("b", {}, name), value) : null);
  const explained = diagnosis.problems.filter((problem) => problem.cause).length;
  const total = diagnosis.problems.length + diagnosis.unknown.length;
  document.getElementById("head").replaceChildren(
    make("h1", {}, make("span", { class: `verdict ${diagnosis.found ? "pass" : "fail"}`, id: "verdict" }, diagnosis.found ? "Cause found" : "No cause found"),
      total ? `${explained} of ${counted(total, "error")} explained` : "no error in what was given"),
    make("ul", { class: "facts" }, fact("Artifact", diagnosis.artifact || "none given: with one, causes are confirmed or ruled out"),
      fact("Cannot be opened", diagnosis.unreadable), fact("Runtime", [diagnosis.runtime, diagnosis.architecture].filter(Boolean).join(" ")),
      fact("Handler", diagnosis.handler), fact("Assumed", diagnosis.assumed.join("; "))));
  const parts = [part("errors", "Errors", diagnosis.problems.map(problemEntry), diagnosis.unknown.map(unknownEntry))];
  if (diagnosis.also.length) {
    parts.push(part("also", "What else is wrong", causesOf(diagnosis.also).map((cause) => findingEntry(cause, pages))));
  }
  document.getElementById("main").replaceChildren(...parts, make("p", { class: "soft" }, `lambdapack ${tool.version}`));
  document.getElementById("parts").replaceChildren(make("ul", {}, parts.map((section) =>
    make("li", {}, make("a", { href: `#${section.id}` }, section.firstChild.textContent)))));
}
