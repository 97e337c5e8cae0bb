"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Search: what does not hold every word goes, and so does a heading that has nothing left below it.
  const entries = all("[data-search]").map((element) => [element, element.dataset.search.toLowerCase()]);
  const search = document.getElementById("search");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const [element, text] of entries) element.hidden = !words.every((word) => text.includes(word));
    for (const box of all("details.suppressed")) box.open = words.length > 0 && box.querySelector(".finding:not([hidden])") !== null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== search) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape") { keep(null); search.blur(); }
  });

  // A link to a plugin opens its canvas.
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", open);
  open();
  for (const link of all("nav a")) if (!document.getElementById(link.dataset.section)) link.remove();

  // The graph: a topic lights its plugins; a plugin lights its topics and who is at their other ends.
  const graph = document.querySelector(".graph");
  if (!graph) return;
  const nodes = all(".node", graph), edges = all(".edge", graph);
  let kept = null;
  const light = (node) => {
    graph.classList.toggle("lit", node !== null);
    if (node === null) return;
    const { plugin, topic } = node.dataset;
    const topics = new Set(topic ? [topic] : edges.filter((e) => e.dataset.plugin === plugin).map((e) => e.dataset.topic));
    const plugins = new Set(plugin ? [plugin] : []);
    for (const edge of edges) {
      const on = topics.has(edge.dataset.topic);
      edge.classList.toggle("on", on);
      if (on) plugins.add(edge.dataset.plugin);
    }
    for (const one of nodes) one.classList.toggle("on", topics.has(one.dataset.topic) || plugins.has(one.dataset.plugin));
  };
  const keep = (node) => { kept = kept === node ? null : node; light(kept); };
  for (const node of nodes) {
    node.addEventListener("pointerenter", () => light(node));
    node.addEventListener("pointerleave", () => light(kept));
    node.addEventListener("click", () => keep(node));
    node.addEventListener("keydown", (event) => { if (event.key === "Enter") keep(node); });
  }
  for (const link of all("a[data-topic]")) {
    link.addEventListener("click", () => {
      const node = nodes.find((one) => one.dataset.topic === link.dataset.topic);
      if (!node) return;
      kept = null;
      keep(node);
      node.scrollIntoView({ block: "center" });
    });
  }
})();
