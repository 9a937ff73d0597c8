"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("data").textContent);
  const utc = seconds => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC");
  const sync = uPlot.sync("run");
  let plots = [];

  // Per span: smallest step in seconds, text, and what is added where year, month, day, hour or minute turns.
  const day = "\n{D} {MMM} {YYYY}";
  const CLOCK = [
    [86400 * 365, "{YYYY}", null, null, null, null, null, null, 1],
    [86400 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", day, null, day, null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", day, null, day, null, null, null, 1],
    [0.001, "{HH}:{mm}:{ss}.{fff}", day, null, day, null, null, null, 1],
  ];
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const number = value => value == null ? "" : value.toLocaleString("en-US", {maximumFractionDigits: 8});

  // Own fills, as triangles: up for bought, down for sold.
  function triangles(plot, marks) {
    const context = plot.ctx, crowd = marks.reduce((count, mark) => count + mark.x.length, 0);
    const size = (crowd > 1000 ? 2 : crowd > 200 ? 3 : 4.5) * devicePixelRatio;
    context.save();
    context.beginPath();
    context.rect(plot.bbox.left - size, plot.bbox.top, plot.bbox.width + 2 * size, plot.bbox.height);
    context.clip();
    context.globalAlpha = crowd > 1000 ? 0.55 : 0.9;
    for (const mark of marks) {
      const sign = mark.side === "BUY" ? 1 : -1;
      context.fillStyle = colour(mark.side === "BUY" ? "buy" : "sell");
      context.beginPath();
      for (let i = 0; i < mark.x.length; i++) {
        const x = plot.valToPos(mark.x[i], "x", true), y = plot.valToPos(mark.y[i], "y", true);
        context.moveTo(x, y);
        context.lineTo(x - size, y + sign * size * 1.7);
        context.lineTo(x + size, y + sign * size * 1.7);
      }
      context.fill();
    }
    context.restore();
  }

  function range(chart) {
    return (plot, low, high) => {
      for (const mark of chart.marks || []) for (const y of mark.y) {
        if (low == null || y < low) low = y;
        if (high == null || y > high) high = y;
      }
      if (low == null) return [0, 1];
      if (chart.fill) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
      const room = (high - low) * 0.06 || Math.abs(high) * 1e-3 || 1;
      return [low - room, chart.below && high === 0 ? 0 : high + room];
    };
  }

  function options(chart, width) {
    const axis = {stroke: colour("soft"), grid: {stroke: colour("grid"), width: 1}, ticks: {show: false},
                  font: "11px system-ui, sans-serif"};
    return {
      width, height: chart.low ? 170 : 270, tzDate: utc,
      cursor: {sync: {key: sync.key}, points: {size: 6}},
      legend: {live: true},
      scales: {x: {time: true}, y: {range: range(chart)}},
      axes: [{...axis, size: 44, values: CLOCK}, {...axis, size: 84, space: 26, values: (plot, splits) => splits.map(number)}],
      series: [
        {label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}"},
        ...chart.series.map((series, i) => {
          const stroke = colour(series.color || "s" + i % 6);
          return {
            label: series.label, stroke, width: i ? 1 : 1.4, spanGaps: true,
            fill: chart.fill ? stroke + "1f" : undefined, fillTo: 0,
            points: {show: chart.x.length < 2},
            paths: series.stepped ? uPlot.paths.stepped({align: 1}) : undefined,
            value: (plot, value) => number(value),
          };
        }),
      ],
      hooks: chart.marks ? {drawAxes: [plot => triangles(plot, chart.marks)]} : {},
    };
  }

  function render() {
    for (const plot of plots) plot.destroy();
    plots = [];
    for (const element of document.querySelectorAll("[data-chart]")) {
      const chart = charts[+element.dataset.chart];
      if (!chart.x.length) {
        const empty = document.createElement("p");
        empty.className = "empty";
        empty.textContent = "nothing was recorded";
        element.replaceChildren(empty);
        continue;
      }
      plots.push(new uPlot(options(chart, element.clientWidth), [chart.x, ...chart.series.map(s => s.y)], element));
    }
  }

  document.documentElement.classList.add("scripted");
  render();
  let wait;
  addEventListener("resize", () => {
    clearTimeout(wait);
    wait = setTimeout(render, 100);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
})();
