/* The overview: the league table, the distribution, the trend and the latest changes. */
"use strict";

(() => {
  const { config, text, on, bind, points, fixed, signed, number, clock, announce, whenThere, element } = window.bus;
  const ids = config.elements;
  const english = config.language === "en";
  const rows = new Map();
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const fold = (words) =>
    words.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
  const nameOf = (row) => (english ? row.name_en : row.name);
  let chosenGroup = "all";
  let onlyIncomplete = false;

  // ---------------------------------------------------------------- how cells are written

  function link(row) {
    const place = document.createElement("a");
    place.href = config.agency_link.replace("AGENCY", encodeURIComponent(row.agency));
    place.textContent = nameOf(row);
    return place;
  }

  window.cells = {
    name: (params) => link(params.data),
    quick: (params) => fold(`${params.data.name} ${params.data.name_en} ${params.data.agency}`),
    group: (params) => text(`group_${params.value}`),
    points: (params) => fixed(params.value),
    total: (params) => {
      const place = document.createElement("span");
      place.className = "total";
      const value = document.createElement("b");
      value.textContent = fixed(params.data.total);
      const rest = document.createElement("span");
      rest.textContent = ` / ${points(params.data.max)}`;
      const meter = document.createElement("i");
      meter.style.setProperty("--part", `${Math.min(100, params.data.share * 100)}%`);
      place.append(value, rest, meter);
      return place;
    },
    delta: (params) => signed(params.value, fixed),
    deltaClass: (params) =>
      `figure ${!params.value ? "quiet" : params.value > 0 ? "up" : "down"}`,
    complete: (params) => {
      const place = document.createElement("span");
      place.className = params.value ? "chip ok" : "chip warn";
      place.textContent = text(params.value ? "complete" : "incomplete");
      return place;
    },
    rowClass: (params) => (params.data.complete ? "" : "incomplete-row"),
    passes: (node) =>
      (chosenGroup === "all" || node.data.group === chosenGroup) && (!onlyIncomplete || !node.data.complete),
    filtering: () => chosenGroup !== "all" || onlyIncomplete,
    open: (event) => {
      if (event.event?.key === "Enter") location.href = link(event.data).href;
    },
  };

  // ---------------------------------------------------------------- the table

  const grid = () => element(ids.grid)?.api;
  const chart = (name) => element(ids[name])?.chart;
  let filled = false;
  const GROUP_ORDER = ["departments", "districts", "party", "vertical", "communes"];
  const ordered = (row) => ({ ...row, order: GROUP_ORDER.indexOf(row.group) * 1000 + row.rank });

  const WIDTHS = { rank: 4.4, group: 10, content: 6.2, qa: 6.2, dossier: 6.2, delta: 6.4, complete: 6.4 };

  function columnsThatFit(api) {
    const width = document.getElementById("league").clientWidth;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    api.setColumnWidths(Object.entries(WIDTHS).map(([key, rems]) => ({ key, newWidth: rems * rem })));
    api.setColumnsVisible(["group"], width >= 68 * rem && chosenGroup === "all");
    api.setColumnsVisible(["content", "qa", "dossier"], width >= 37 * rem);
    api.setColumnsVisible(["complete", "delta"], width >= 44 * rem);
  }

  function takeAll(frame) {
    rows.clear();
    for (const row of frame.rows) rows.set(row.agency, ordered(row));
    filled = false;
    whenThere(grid, (api) => {
      api.setGridOption("rowData", [...rows.values()]);
      filled = true;
      columnsThatFit(api);
      counts();
    });
    showState(frame.state, frame.note);
    figures(frame);
    drawDistribution(frame.distribution);
    if (frame.trend?.weeks) drawTrend(frame.trend);
    recent(frame.recent);
  }

  function takeDelta(frame) {
    const update = [];
    const add = [];
    for (const row of frame.rows) {
      (rows.has(row.agency) ? update : add).push(ordered(row));
      rows.set(row.agency, ordered(row));
    }
    const remove = frame.gone.map((agency) => rows.get(agency)).filter(Boolean);
    for (const agency of frame.gone) rows.delete(agency);
    // Until the grid is there, the rows wait in the map and go in with the whole.
    if (filled) {
      grid().applyTransaction({ update, add, remove });
      counts();
    }
    showState(frame.state, "");
    drawDistribution(frame.distribution);
    recent(frame.recent);
    const first = update[0];
    if (first) announce(text("moved", { name: nameOf(first), points: points(first.total), n: update.length }));
  }

  function showState(state, note) {
    const place = document.getElementById("league-state");
    if (!place) return;
    place.hidden = state === "ready" || state === "stale";
    place.dataset.state = state;
    place.textContent = place.hidden ? "" : text(`board_${state}`, { problem: note });
  }

  function counts() {
    const shown = grid()?.getDisplayedRowCount() ?? rows.size;
    const place = document.getElementById("league-count");
    if (place) place.textContent = text("rows", { n: number(shown), all: number(rows.size) });
    for (const button of document.querySelectorAll("[data-group]")) {
      const n = [...rows.values()].filter(
        (row) => button.dataset.group === "all" || row.group === button.dataset.group,
      ).length;
      button.querySelector("small").textContent = number(n);
      button.hidden = button.dataset.group !== "all" && n === 0;
    }
  }

  // The table is what must be quick. Charts and the list of changes follow once a second at most, so that an old
  // machine keeps up with a busy hour.
  const SLOW_MS = 1000;
  function atMostOnceASecond(work) {
    let waiting = null;
    let doneAt = -SLOW_MS;
    let newest;
    return (value) => {
      newest = value;
      waiting ??= setTimeout(() => {
        waiting = null;
        doneAt = performance.now();
        work(newest);
      }, Math.max(0, doneAt + SLOW_MS - performance.now()));
    };
  }

  // ---------------------------------------------------------------- figures and charts

  function figures(frame) {
    const place = document.getElementById("figures");
    if (place && frame.figures?.items) {
      bind(place, frame.figures);
      place.setAttribute("aria-busy", "false");
    }
  }

  const BANDS = ["full", "high", "good", "fair", "low", "zero"];
  const MODULES = ["content", "qa", "dossier"];
  const baseText = () => ({
    fontFamily: getComputedStyle(document.body).fontFamily,
    fontSize: Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.8),
    color: css("--soft"),
  });

  let drawn = "";
  const drawDistribution = atMostOnceASecond((distribution) => {
    if (!distribution || JSON.stringify(distribution) === drawn) return;
    drawn = JSON.stringify(distribution);
    const table = document.getElementById("distribution-table");
    if (table) {
      for (const cell of table.querySelectorAll("[data-cell]")) {
        const [module, band] = cell.dataset.cell.split(".");
        cell.textContent = number(distribution[module][band]);
      }
    }
    whenThere(() => chart("distribution"), (drawing) =>
      drawing.setOption({
        animation: false,
        aria: { enabled: true, label: { description: text("distribution_label") } },
        textStyle: baseText(),
        grid: { left: baseText().fontSize * 7.5, right: 12, top: 4, bottom: baseText().fontSize * 3.6 },
        tooltip: { trigger: "item", confine: true },
        legend: { bottom: 0, itemWidth: 10, itemHeight: 10, itemGap: 10, textStyle: baseText() },
        xAxis: { type: "value", splitLine: { show: false }, axisLabel: { show: false }, max: "dataMax" },
        yAxis: {
          type: "category",
          inverse: true,
          data: MODULES.map((module) => text(`short_module_${module}`)),
          axisTick: { show: false },
          axisLine: { show: false },
          axisLabel: { color: css("--ink"), fontSize: baseText().fontSize },
        },
        series: BANDS.map((band) => ({
          name: text(`band_${band}`),
          type: "bar",
          stack: "all",
          barWidth: "58%",
          itemStyle: { color: css(`--band-${band}`), borderColor: css("--surface"), borderWidth: 1 },
          label: {
            show: true,
            formatter: (params) => (params.value ? number(params.value) : ""),
            color: css(`--band-${band}-ink`),
          },
          data: MODULES.map((module) => distribution[module][band]),
        })),
      }),
    );
  });

  let trend = null;
  let series = "items";
  function drawTrend(found) {
    trend = found ?? trend;
    if (!trend) return;
    const label = (day) => `${day.slice(8, 10)}/${day.slice(5, 7)}`;
    whenThere(() => chart("trend"), (drawing) =>
      drawing.setOption({
        animation: false,
        aria: { enabled: true, label: { description: text("trend_label") } },
        textStyle: baseText(),
        grid: { left: 4, right: 12, top: 12, bottom: 28, containLabel: true },
        tooltip: { trigger: "axis", confine: true, valueFormatter: (value) => number(value) },
        legend: { bottom: 0, itemWidth: 14, itemHeight: 8, textStyle: baseText() },
        xAxis: {
          type: "category",
          data: trend.weeks.map(label),
          axisTick: { show: false },
          axisLine: { lineStyle: { color: css("--line") } },
          axisLabel: { color: css("--soft"), fontSize: baseText().fontSize },
        },
        yAxis: {
          type: "value",
          splitNumber: 3,
          minInterval: 1,
          splitLine: { lineStyle: { color: css("--line") } },
          axisLabel: { color: css("--soft"), fontSize: baseText().fontSize, formatter: (value) => number(value) },
        },
        series: [
          {
            name: text("this_year"),
            type: "bar",
            barMaxWidth: 22,
            itemStyle: { color: css("--accent") },
            data: trend[series],
          },
          {
            name: text("year_before"),
            type: "line",
            symbolSize: 5,
            lineStyle: { color: css("--warn"), width: 2 },
            itemStyle: { color: css("--warn") },
            data: trend[`${series}_before`],
          },
        ],
      }),
    );
  }

  // ---------------------------------------------------------------- latest changes

  const recent = atMostOnceASecond((changes) => {
    const list = document.getElementById("recent");
    if (!list || !changes) return;
    list.replaceChildren(
      ...changes.map((change) => {
        const item = document.createElement("li");
        const row = rows.get(change.agency) ?? { agency: change.agency, name: change.agency, name_en: change.agency };
        const at = document.createElement("time");
        at.dateTime = change.at;
        at.textContent = clock(change.at);
        const moved = document.createElement("b");
        moved.textContent = signed(change.delta, fixed);
        moved.className = change.delta > 0 ? "up" : change.delta < 0 ? "down" : "quiet";
        const what = document.createElement("span");
        what.className = "soft";
        what.textContent = change.modules.map((module) => text(`short_module_${module}`)).join(", ");
        item.append(at, link(row), what, moved);
        return item;
      }),
    );
    document.getElementById("recent-empty").hidden = changes.length > 0;
  });

  // ---------------------------------------------------------------- controls

  document.addEventListener("click", (event) => {
    const group = event.target.closest?.("[data-group]");
    if (group) {
      chosenGroup = group.dataset.group;
      for (const button of document.querySelectorAll("[data-group]")) {
        button.setAttribute("aria-pressed", String(button === group));
      }
      grid()?.onFilterChanged();
      columnsThatFit(grid());
      counts();
    }
    const picked = event.target.closest?.("[data-series]");
    if (picked) {
      series = picked.dataset.series;
      for (const button of document.querySelectorAll("[data-series]")) {
        button.setAttribute("aria-pressed", String(button === picked));
      }
      drawTrend();
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "league-search") {
      grid()?.setGridOption("quickFilterText", fold(event.target.value));
      counts();
    }
    if (event.target.id === "league-incomplete") {
      onlyIncomplete = event.target.checked;
      grid()?.onFilterChanged();
      counts();
    }
  });
  addEventListener("resize", () => grid() && columnsThatFit(grid()));

  on("all", takeAll);
  on("delta", takeDelta);
  on("state", (frame) => showState(frame.state, frame.note));
  on("figures", (frame) => {
    figures(frame);
    drawTrend(frame.trend);
  });
})();
