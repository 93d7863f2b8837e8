"use strict";
// Sorting and filtering of the table of connections. What is chosen stands in the address after the #
// (#sort=-duration&filter=refused), so that a view can be linked to; #flow-3 is a place on the page, as ever.
(() => {
  const table = document.getElementById("flows");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const names = heads.map((head) => head.textContent);
  const rows = [...body.rows];
  const field = document.getElementById("filter");
  const matches = document.getElementById("matches");
  const SHOWN = 500; // rows that are laid out at once; "show all" lays out the rest
  let all = false;
  let texts; // what a row says, in small letters, made when first needed
  let last = null; // the last view, so that nothing is done twice

  field.closest(".tools").hidden = false;
  const more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  table.after(more);
  more.addEventListener("click", () => { all = true; show(last, true); });

  const value = (row, k) => {
    const text = row.cells[k].textContent;
    if (!heads[k].classList.contains("n")) return text;
    return text === "" ? -Infinity : Number(text.replaceAll(",", ""));
  };

  function sorted(name) {
    const k = names.indexOf(name.replace(/^-/, ""));
    if (k < 0) return rows;
    const down = name.startsWith("-") ? -1 : 1;
    const natural = new Intl.Collator("en", { numeric: true }).compare;
    const compare = heads[k].classList.contains("n") ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : natural;
    const keyed = rows.map((row) => [value(row, k), row]);
    keyed.sort((a, b) => down * compare(a[0], b[0])); // stable: equal rows stay in the order of flows
    return keyed.map((pair) => pair[1]);
  }

  function wanted(filter) {
    const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== "" && word !== "-");
    if (!words.length) return () => true;
    texts ??= new Map(rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]));
    return (row) => {
      const text = texts.get(row);
      return words.every((word) => (word.startsWith("-") ? !text.includes(word.slice(1)) : text.includes(word)));
    };
  }

  function show(view, again) {
    if (!again && last && last.sort === view.sort && last.filter === view.filter) return;
    const fits = wanted(view.filter);
    let count = 0;
    for (const row of sorted(view.sort)) {
      const fit = fits(row);
      count += fit;
      row.hidden = !fit || (!all && count > SHOWN);
      body.append(row);
    }
    heads.forEach((head, k) => {
      const mine = names[k] === view.sort.replace(/^-/, "");
      head.ariaSort = mine ? (view.sort.startsWith("-") ? "descending" : "ascending") : "none";
    });
    matches.textContent = count === rows.length ? "" : `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    more.hidden = all || count <= SHOWN;
    more.textContent = `The first ${SHOWN} are shown. Show all ${count.toLocaleString("en")}`;
    if (document.activeElement !== field) field.value = view.filter;
    last = view;
  }

  const fromAddress = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    if (!given.has("sort") && !given.has("filter")) return null;
    return { sort: given.get("sort") ?? "", filter: given.get("filter") ?? "" };
  };

  function choose(change) {
    const view = { ...(last ?? { sort: "", filter: "" }), ...change };
    const said = new URLSearchParams(Object.entries(view).filter((pair) => pair[1] !== ""));
    history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search);
    show(view);
  }

  heads.forEach((head, k) => head.addEventListener("click", () => {
    // Numbers are asked for from the top: the longest, the largest.
    const first = head.classList.contains("n") && k > 0 ? "-" : "";
    const second = first ? "" : "-";
    choose({ sort: last && last.sort === first + names[k] ? second + names[k] : first + names[k] });
  }));
  field.addEventListener("input", () => choose({ filter: field.value }));
  addEventListener("hashchange", () => {
    const view = fromAddress();
    if (!view) return;
    show(view);
    table.closest(".wide").scrollIntoView({ block: "center" });
  });
  show(fromAddress() ?? { sort: "", filter: "" });
})();
