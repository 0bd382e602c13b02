// The server's metrics, as small charts that go on by themselves: counters as rates, histograms as rate and mean.

import { bytes, duration, element, heading, note, svg } from "./values.js";

const period = 2000, points = 60;

/** The samples of Prometheus' text format: `[{name, labels, value}]`, and the kinds by family. */
export function readMetrics(text) {
  const kinds = {}, samples = [];
  for (const line of text.split("\n")) {
    const kind = /^# TYPE (\S+) (\S+)/.exec(line);
    if (kind) kinds[kind[1]] = kind[2];
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line);
    if (sample) samples.push({ name: sample[1], labels: sample[2] ?? "", value: Number(sample[3]) });
  }
  return { kinds, samples };
}

/** What is drawn of a reading: by title, a value that goes up and down. `before` is the reading of `seconds` ago. */
function series({ kinds, samples }, before, seconds) {
  const result = new Map();
  const old = new Map(before.samples.map((one) => [one.name + one.labels, one.value]));
  const change = (one) => one.value - (old.get(one.name + one.labels) ?? one.value);
  const sums = new Map(samples.filter(({ name }) => name.endsWith("_sum")).map((one) => [one.name + one.labels, change(one)]));
  for (const one of samples) {
    const family = one.name.replace(/_(bucket|sum|count)$/, "");
    const isDistribution = ["histogram", "summary"].includes(kinds[family]);
    if (isDistribution) {
      if (!one.name.endsWith("_count")) continue;
      const calls = change(one), sum = sums.get(`${family}_sum${one.labels}`) ?? 0;
      result.set(`${family}${one.labels}`, { unit: "/s", value: calls / seconds });
      result.set(`${family} mean${one.labels}`, { unit: "", value: calls ? sum / calls : 0 });
    } else if (kinds[one.name] === "counter" || one.name.endsWith("_total")) {
      result.set(one.name.replace(/_total$/, "") + one.labels, { unit: "/s", value: change(one) / seconds });
    } else {
      result.set(one.name + one.labels, { unit: "", value: one.value });
    }
  }
  return result;
}

export function amount(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  if (size === 0 || size >= 0.001) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

/** A value as people read it: the end of a metric's name says what it counts, if it is no rate. */
function shownAmount(name, unit, value) {
  if (!unit && /_seconds( mean)?$/.test(name)) return duration(+(value * 1e6).toPrecision(3));
  if (!unit && /_bytes( mean)?$/.test(name)) return bytes(Math.round(value));
  return amount(value) + unit;
}

function chart(values) {
  const width = 240, height = 44;
  const highest = Math.max(...values, 0), lowest = Math.min(...values, 0), span = highest - lowest || 1;
  const x = (at) => width - (values.length - 1 - at) * (width / (points - 1));
  const y = (value) => height - 2 - ((value - lowest) / span) * (height - 4);
  const line = values.map((value, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "area", d: `${line}L${width} ${height}L${x(0).toFixed(1)} ${height}Z` }),
    svg("path", { class: "line", d: line }));
}

export class Metrics {
  title = "Metrics";
  #app;
  #timer;
  #history = new Map();
  #before = null;

  constructor(app) { this.#app = app; }

  show(content) {
    const charts = element("div", { class: "charts" });
    const status = element("p", { class: "dim", role: "status" });
    const filter = element("input", { id: "metric-filter", type: "search", oninput: () => draw() });
    const quiet = element("input", { id: "quiet", type: "checkbox", onchange: () => draw() });
    const draw = () => {
      const shown = [...this.#history].filter(([title, { values }]) =>
        title.toLowerCase().includes(filter.value.toLowerCase()) && (quiet.checked || values.some((value) => value !== 0)));
      charts.replaceChildren(...shown.map(([title, { unit, values }]) => {
        const [, name, labels] = /^([^{]*)(\{.*\})?$/.exec(title);
        return element("figure", {},
          element("figcaption", {}, element("span", {}, name.replaceAll("_", " ")),
            labels ? element("small", {}, labels.slice(1, -1).replaceAll('"', "").replaceAll(",", ", ")) : null),
          element("strong", {}, shownAmount(name, unit, values.at(-1))), chart(values));
      }));
      status.textContent = shown.length
        ? `Every two seconds; the last ${points * period / 60_000} minutes.` : "Nothing has happened yet.";
    };
    const ask = async () => {
      try {
        const reading = readMetrics(await (await this.#app.client.fetch("/v1/metrics")).text());
        reading.time = performance.now();
        if (this.#before) {
          for (const [title, { unit, value }] of series(reading, this.#before, (reading.time - this.#before.time) / 1000)) {
            const known = this.#history.get(title) ?? { unit, values: [] };
            known.values = [...known.values, Number.isFinite(value) ? value : 0].slice(-points);
            this.#history.set(title, known);
          }
          draw();
        } else status.textContent = "The first figures come in two seconds.";
        this.#before = reading;
      } catch (error) {
        status.textContent = error.message;
      }
    };
    content.append(heading("Metrics"),
      element("div", { class: "tools" },
        element("div", { class: "field wide" }, element("label", { for: "metric-filter" }, "Filter"), filter),
        element("div", { class: "field check" }, quiet, element("label", { for: "quiet" }, "also what is always zero"))),
      charts, status, note("Of the whole server, with all its databases."));
    this.#before = null;
    ask();
    this.#timer = setInterval(ask, period);
  }

  hide() { clearInterval(this.#timer); }
}
