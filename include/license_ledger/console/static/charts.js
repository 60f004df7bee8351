// The two large charts, drawn by Apache ECharts on a canvas with the colors of the page. Tables say the same.
"use strict";
(() => {
  const token = (name) => {
    // A canvas needs the color that applies now; light-dark() is resolved by asking an element.
    const probe = document.createElement("i");
    probe.className = "unseen";
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  const number = new Intl.NumberFormat("en-US");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches || navigator.webdriver;

  const common = () => ({
    animation: !still,
    animationDuration: 300,
    textStyle: { color: token("text"), fontFamily: getComputedStyle(document.body).fontFamily },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "line" },
      backgroundColor: token("surface"), borderColor: token("line"), textStyle: { color: token("text"), fontSize: 12 },
    },
  });
  const value = (narrow) => ({
    type: "value", scale: false, splitNumber: narrow ? 3 : 5,
    axisLabel: { color: token("quiet"), formatter: (n) => number.format(n) },
    splitLine: { lineStyle: { color: token("line") } },
  });
  const category = (data, more) => ({
    type: "category", data, axisTick: { show: false }, axisLine: { lineStyle: { color: token("line") } },
    axisLabel: { color: token("quiet"), ...more },
  });

  const waterfall = (data, width) => {
    const narrow = width < 640;
    const names = data.bars.map((bar) => bar.name);
    const sizes = data.bars.map((bar) => bar.to - bar.from);
    const change = (i) => (i === 0 || i === sizes.length - 1 ? "" : "−") + number.format(sizes[i]);
    const labels = category(names, narrow ? { width: 116, overflow: "break", fontSize: 11, lineHeight: 13 } : { interval: 0, width: Math.max(60, (width - 90) / names.length - 8), overflow: "break", fontSize: 12, lineHeight: 15 });
    const axes = narrow ? { yAxis: { ...labels, inverse: true }, xAxis: value(true) } : { xAxis: labels, yAxis: value(false) };
    const options = common();
    return {
      ...options, ...axes,
      tooltip: { ...options.tooltip, axisPointer: { type: "shadow" }, formatter: (items) => `${items[0].name}: ${change(items[0].dataIndex)} seats` },
      grid: { left: 8, right: narrow ? 52 : 12, top: narrow ? 8 : 26, bottom: 8, containLabel: true },
      series: [
        { type: "bar", stack: "bridge", silent: true, itemStyle: { color: "transparent" }, data: data.bars.map((bar) => bar.from) },
        {
          type: "bar", stack: "bridge", barMaxWidth: narrow ? 20 : 72,
          data: data.bars.map((bar, i) => ({ value: sizes[i], itemStyle: { color: token(`c-${bar.cause}`), borderRadius: 3 } })),
          label: { show: true, position: narrow ? "right" : "top", color: token("text"), fontWeight: 600, formatter: (item) => change(item.dataIndex) },
        },
      ],
    };
  };

  const trend = (data, width) => {
    const days = [...data.days];
    const ahead = data.forecast;
    if (ahead) {
      const limit = ahead.latest || ahead.on;
      const last = new Date(`${days[days.length - 1]}T00:00:00Z`);
      for (let n = 1; n <= Math.max(data.days.length * 4, 60); n += 1) {
        const day = new Date(last.getTime() + n * 86400000).toISOString().slice(0, 10);
        days.push(day);
        if (day >= limit) break;
      }
    }
    const pad = (line) => [...line, ...days.slice(line.length).map(() => null)];
    const shape = (line) => pad(line).map((n, i) => {
      const made = data.provenance[i];
      if (n === null || made === "observed") return n;
      return { value: n, symbol: made === "reconstructed" ? "emptyCircle" : "circle", symbolSize: made === "reconstructed" ? 6 : 4 };
    });
    const line = (name, color, points, more) => ({
      name, type: "line", data: points, connectNulls: false, symbol: "circle", symbolSize: data.days.length > 60 ? 1 : 4,
      showAllSymbol: true, lineStyle: { color: token(color), width: 2 }, itemStyle: { color: token(color) }, ...more,
    });
    const series = [
      line("Total", "quiet", pad(data.total), { step: "end", symbol: "none", lineStyle: { color: token("quiet"), width: 1.5, type: "dashed" } }),
      line("Used", "accent", shape(data.used)),
      line("In scope", "good", shape(data.in_scope), { lineStyle: { color: token("good"), width: 1.5 } }),
    ];
    if (ahead) {
      const start = data.days.length - 1;
      const span = (new Date(ahead.on) - new Date(ahead.from)) / 86400000;
      const points = days.map((_, i) => (i < start || i > start + span ? null : ahead.used + ((ahead.total - ahead.used) * (i - start)) / Math.max(span, 1)));
      const inside = (day) => (day === null ? days[days.length - 1] : day > days[days.length - 1] ? days[days.length - 1] : day);
      series.push(line("Forecast", "warning", points, {
        symbol: "none", lineStyle: { color: token("warning"), width: 2, type: "dotted" },
        markArea: {
          silent: true, itemStyle: { color: token("warning"), opacity: 0.14 },
          label: { show: width > 560, color: token("warning"), position: "insideBottom" },
          data: ahead.earliest && ahead.earliest <= days[days.length - 1] ? [[{ name: "runs out, 90 %", xAxis: ahead.earliest }, { xAxis: inside(ahead.latest) }]] : [],
        },
      }));
    }
    const options = common();
    return {
      ...options,
      tooltip: {
        ...options.tooltip,
        formatter: (items) => [`${items[0].axisValue}${data.provenance[items[0].dataIndex] ? ` (${data.provenance[items[0].dataIndex]})` : ""}`]
          .concat(items.filter((item) => item.value !== null && item.value !== undefined).map((item) => `${item.seriesName}: ${number.format(Math.round(item.value))}`)).join("\n"),
      },
      legend: { textStyle: { color: token("text") }, top: 0, left: 0, itemHeight: 8, inactiveColor: token("line") },
      grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
      xAxis: category(days, { hideOverlap: true }),
      yAxis: { ...value(width < 560), scale: true },
      series,
    };
  };

  const draw = (holder) => {
    const data = JSON.parse(document.getElementById(holder.dataset.from).textContent);
    if (!data.bars && !data.days) return;
    if (data.bars && holder.clientWidth < 640) holder.style.height = `${70 + data.bars.length * 34}px`;
    const chart = echarts.getInstanceByDom(holder) || echarts.init(holder, null, { renderer: "canvas" });
    const make = { waterfall, trend }[holder.dataset.chart];
    chart.resize();
    chart.setOption(make(data, holder.clientWidth), true);
  };
  const all = () => document.querySelectorAll("[data-chart]").forEach(draw);
  let waiting = 0;
  const soon = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(all); };
  all();
  window.addEventListener("resize", soon);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  try {
    // Airflow tells its theme by a class of its page; the frame's color scheme follows it.
    if (window.parent !== window) new MutationObserver(() => setTimeout(soon, 50)).observe(window.parent.document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  } catch { /* framed by somebody else's page: the charts keep the theme they were drawn with */ }
})();
