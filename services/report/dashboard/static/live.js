/* The browser's side of the live stream: one WebSocket, the connection's state in words, numbers bound to
   elements. Pages add their own listeners with bus.on(type, listener). */
"use strict";

window.bus = (() => {
  const config = JSON.parse(document.getElementById("page-config").textContent);
  const text = (name, values = {}) =>
    (config.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  const locale = config.language === "en" ? "en-GB" : "vi-VN";
  const listeners = new Map();
  const BEAT_LATE_MS = 7000;
  const FIRST_RETRY_MS = 500;
  const LONGEST_RETRY_MS = 10000;
  let socket = null;
  let retryMs = FIRST_RETRY_MS;
  let heardAt = 0;
  let lostAt = null;
  let lastBeat = null;
  let boardState = { state: "ready", note: "" };

  // ---------------------------------------------------------------- numbers

  const formats = {
    num: new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }),
    fixed: new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    points: new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }),
    percent: new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
  };
  const known = (value) => value !== null && value !== undefined;
  const number = (value) => (known(value) ? formats.num.format(value) : "–");
  const points = (value) => (known(value) ? formats.points.format(value) : "–");
  const fixed = (value) => (known(value) ? formats.fixed.format(value) : "–");
  const percent = (value) => (known(value) ? `${formats.percent.format(value)}%` : "–");
  const signed = (value, format = points) =>
    !known(value) ? "–" : value === 0 ? "0" : (value > 0 ? "+" : "−") + format(Math.abs(value));
  const clock = (iso) =>
    new Date(iso).toLocaleTimeString(locale, { hour12: false, timeZone: "Asia/Ho_Chi_Minh" });

  // ---------------------------------------------------------------- events

  function on(type, listener) {
    if (!listeners.has(type)) listeners.set(type, []);
    listeners.get(type).push(listener);
  }

  function emit(type, payload) {
    for (const listener of listeners.get(type) ?? []) listener(payload);
  }

  // ---------------------------------------------------------------- connection

  function address() {
    const query = config.board ? `?${new URLSearchParams(config.board)}` : "";
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live${query}`;
  }

  function connect() {
    socket = new WebSocket(address());
    socket.onmessage = (event) => {
      heardAt = Date.now();
      if (lostAt !== null) {
        lostAt = null;
        announce(text("back"));
      }
      retryMs = FIRST_RETRY_MS;
      const frame = JSON.parse(event.data);
      if (frame.t === "beat") lastBeat = frame;
      if (frame.state) boardState = { state: frame.state, note: frame.note ?? "" };
      emit(frame.t, frame);
      show();
    };
    socket.onclose = (event) => {
      if (event.code === 4403) return location.reload();
      lostAt ??= Date.now();
      show();
      // Spread, so that two hundred dashboards do not come back in the same instant.
      setTimeout(connect, retryMs * (0.5 + Math.random()));
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    };
  }

  function status() {
    if (lostAt !== null) return ["lost", text("lost", { at: clock(lostAt) })];
    if (!heardAt) return ["connecting", text("connecting")];
    if (Date.now() - heardAt > BEAT_LATE_MS) return ["lost", text("silent", { at: clock(heardAt) })];
    if (lastBeat?.bus === "away") return ["stale", text("bus_away", { at: clock(lastBeat.at) })];
    if (lastBeat?.bus === "loading") return ["loading", text("bus_loading", { n: number(lastBeat.behind) })];
    if (boardState.state === "stale") return ["stale", text("board_stale", { problem: boardState.note })];
    if (lastBeat && !lastBeat.scoring) return ["stale", text("scoring_away")];
    return ["live", text("live", { at: lastBeat ? clock(lastBeat.at) : "" })];
  }

  let shown = "";
  function show() {
    const [state, words] = status();
    document.documentElement.dataset.live = state;
    const badge = document.getElementById("live");
    const banner = document.getElementById("banner");
    if (!badge || !banner) return;
    badge.dataset.state = state;
    badge.querySelector("b").textContent = text(`short_${state}`);
    badge.querySelector("small").textContent = state === "live" && lastBeat ? clock(lastBeat.at) : "";
    const warn = state === "lost" || state === "stale";
    banner.hidden = !warn;
    if (warn && shown !== words) banner.textContent = words;
    shown = words;
  }

  // A screen reader hears about the connection and about moved scores, politely and not too often.
  // In a busy hour scores move all the time: what is said is the newest then, and not the silence of a timer that
  // every change starts anew.
  const FIRST_WORD_MS = 1500;
  const BETWEEN_WORDS_MS = 10000;
  let announceTimer = null;
  let saidAt = -BETWEEN_WORDS_MS;
  let toSay = "";
  function announce(words) {
    toSay = words;
    announceTimer ??= setTimeout(() => {
      announceTimer = null;
      saidAt = performance.now();
      const place = document.getElementById("announcer");
      if (place) place.textContent = toSay;
    }, Math.max(FIRST_WORD_MS, saidAt + BETWEEN_WORDS_MS - performance.now()));
  }

  // ---------------------------------------------------------------- bound numbers

  const kinds = {
    num: number,
    points,
    percent,
    delta: (value) => signed(value, number),
    deltapercent: (value) => (known(value) ? `${signed(value, (v) => formats.percent.format(v))}%` : ""),
  };

  function bind(root, values) {
    for (const place of root.querySelectorAll("[data-bind]")) {
      const value = place.dataset.bind.split(".").reduce((at, key) => at?.[key], values);
      const words = kinds[place.dataset.kind ?? "num"](value);
      if (place.textContent !== words) place.textContent = words;
      if (place.dataset.kind?.startsWith("delta")) {
        place.dataset.sign = !known(value) || value === 0 ? "none" : value > 0 ? "up" : "down";
      }
    }
  }

  function whenThere(find, then) {
    const found = find();
    if (found) return then(found);
    setTimeout(() => whenThere(find, then), 40);
  }

  // An element of the framework, undefined until the page is mounted.
  function element(id) {
    try {
      return getElement(id);
    } catch {
      return undefined;
    }
  }

  // Parts are drawn anew by the server; focus and opened details stay where the reader left them.
  let focused = "";
  const opened = new Set();
  document.addEventListener("focusin", (event) => (focused = event.target.id));
  document.addEventListener("toggle", (event) => {
    if (event.target.id) opened[event.target.open ? "add" : "delete"](event.target.id);
  }, true);
  new MutationObserver(() => {
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details && !details.open) details.open = true;
    }
    if (focused && document.activeElement === document.body) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submit]")) event.target.form.requestSubmit();
  });

  // Frames need the elements that they fill, so the stream begins when the framework has put up the page.
  whenThere(
    () => document.getElementById("main") && document.getElementById("banner"),
    () => {
      document.getElementById("live").hidden = !config.live;
      if (!config.live) return;
      connect();
      setInterval(show, 1000);
      show();
    },
  );
  // A tab that slept asks again at once when it is looked at.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - heardAt > BEAT_LATE_MS) socket?.close();
  });

  return { config, text, on, bind, number, points, fixed, percent, signed, clock, announce, whenThere, element };
})();
